// What Microsoft's parser finds wrong: standard input is {"tables": {name: schema}, "query": text}, standard output a list.
"use strict";

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { tables, query } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const { TableSymbol, DatabaseSymbol } = Kusto.Language.Symbols;
const symbols = Object.entries(tables).map(([name, schema]) => TableSymbol.From(schema).WithName(name));
const globals = Kusto.Language.GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("workspace", symbols));
const found = Kusto.Language.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
const messages = Array.from({ length: found.Count }, (_, place) => found.getItem(place).Message);
process.stdout.write(JSON.stringify(messages));
