/** What a program would do with a client, told as what it saw: maps, lists, texts, numbers. */
interface Scenario {
    Object play(Stage stage) throws Exception;
}
