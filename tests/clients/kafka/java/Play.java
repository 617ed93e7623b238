import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Plays scenarios against the brokers at args[0] with Kafka's own clients for Java, and prints as JSON what each one saw:
 * {"scenario": {"saw": ...}} or {"scenario": {"failed": "stack"}}. Names of more arguments pick scenarios.
 * tests/clients/kafka/test_java.py judges. How long each one took goes to the standard error.
 */
public final class Play {
    private static final int AT_ONCE = 10;
    private static final int SCENARIO_MAX_S = 60;

    public static void main(String[] args) throws Exception {
        Map<String, Scenario> scenarios = new LinkedHashMap<>();
        Groups.add(scenarios); // those that wait longest begin first
        Members.add(scenarios);
        Shares.add(scenarios);
        Transactions.add(scenarios);
        Records.add(scenarios);
        Positions.add(scenarios);
        Topics.add(scenarios);
        AdminOfGroups.add(scenarios);
        AdminOfTransactions.add(scenarios);
        Cluster.add(scenarios);
        List<String> names = new ArrayList<>(List.of(args).subList(1, args.length));
        if (!names.isEmpty()) {
            scenarios.keySet().retainAll(names);
        }
        System.out.println(Json.of(play(args[0], scenarios)));
        System.exit(0); // whatever a broken scenario has left running
    }

    private static Map<String, Object> play(String bootstrap, Map<String, Scenario> scenarios) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);
        Map<String, Future<Object>> playing = new LinkedHashMap<>();
        scenarios.forEach((name, scenario) -> playing.put(name, threads.submit(() -> {
            long began = System.nanoTime();
            try (Stage stage = new Stage(bootstrap, name)) {
                return scenario.play(stage);
            } finally {
                System.err.printf("%s: %d ms%n", name, (System.nanoTime() - began) / 1_000_000);
            }
        })));
        Map<String, Object> seen = new LinkedHashMap<>();
        for (Map.Entry<String, Future<Object>> one : playing.entrySet()) {
            seen.put(one.getKey(), outcome(one.getValue()));
        }
        return seen;
    }

    private static Map<String, Object> outcome(Future<Object> playing) throws InterruptedException {
        Map<String, Object> outcome = new LinkedHashMap<>();
        try {
            outcome.put("saw", playing.get(SCENARIO_MAX_S, TimeUnit.SECONDS));
        } catch (TimeoutException error) {
            outcome.put("failed", "not done after " + SCENARIO_MAX_S + " s");
        } catch (java.util.concurrent.ExecutionException error) {
            StringWriter stack = new StringWriter();
            error.getCause().printStackTrace(new PrintWriter(stack));
            outcome.put("failed", stack.toString());
        }
        return outcome;
    }
}
