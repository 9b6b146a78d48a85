// Reads {tables, functions, queries} as JSON on standard input and prints what Microsoft's KQL parser says of each query:
// an array of {name, severity, message, start, length}.
'use strict'

require('@kusto/language-service-next/bridge.min.js')
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js')

const { GlobalState, KustoCode } = Kusto.Language
const { DatabaseSymbol, FunctionSymbol, TableSymbol } = Kusto.Language.Symbols

// Bridge.NET turns overloaded constructors into $ctor1, $ctor2, …; this one takes a name, parameters and a body as text.
function userFunction ({ name, parameters, body }) {
  return new FunctionSymbol.$ctor16(name, `(${parameters})`, `{\n${body}\n}`)
}

function table ({ name, columns }) {
  return TableSymbol.From(`(${columns})`).WithName(name)
}

function diagnosticsOf ({ name, text }, globals) {
  const found = Bridge.toArray(KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics())
  return found.map(item => ({
    name, severity: item.Severity, message: item.Message, start: item.Start, length: item.Length
  }))
}

const { tables, functions, queries } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const database = new DatabaseSymbol.$ctor1('meter', [...tables.map(table), ...functions.map(userFunction)])
const globals = GlobalState.Default.WithDatabase(database)
process.stdout.write(JSON.stringify(queries.flatMap(query => diagnosticsOf(query, globals))))
