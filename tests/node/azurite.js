// Azurite's blob service, which ends with whoever started it: its standard input is closed then.
"use strict";

process.stdin.resume().on("end", () => process.exit(0));
// The SDK states newer versions of the API than Azurite knows; what is used here is years older.
const options = ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--blobPort", "0"];
process.argv.splice(2, 0, ...options);
require("azurite/dist/src/blob/main");
