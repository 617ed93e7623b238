// What the programs that play scenarios have in common.

// Waits for a promise to be rejected, and describes the error as `sdk`, the module of the client, sees it.
export async function refusal(sdk, promise) {
  try {
    await promise;
  } catch (error) {
    return {
      name: error.name,
      message: error.message,
      code: error.Code ?? error.Error?.Code,
      status: error.$metadata?.httpStatusCode,
      requestId: error.$metadata?.requestId,
      fault: error.$fault,
      isClass: sdk[error.name] ? error instanceof sdk[error.name] : false,
    };
  }
  throw new Error("nothing was refused");
}

// Plays one scenario after the other, prints what each one saw as JSON, {"<scenario>": {"saw": ...}} or
// {"<scenario>": {"failed": "<stack>"}}, and ends the program.
export async function play(scenarios) {
  const seen = {};
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      seen[name] = { saw: await scenario() };
    } catch (error) {
      seen[name] = { failed: String(error.stack ?? error) };
    }
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
}
