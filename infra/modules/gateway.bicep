// What API Management needs: a logger that sends to the hub with the service's own identity, the named values that the
// fragments read, the fragments themselves. Which API uses them is the owner's choice (docs/gateway.md).
param apimName string
param hubHost string
param hubName string
param streamMode string
param includeUsage bool

@description('Send-only rule that API Management\'s own LLM logs go to the hub by; empty for none.')
param llmLogsRuleId string

resource apim 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource logger 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: apim
  name: 'token-meter'
  properties: {
    loggerType: 'azureEventHub'
    description: 'Records of AI calls for the token meter'
    isBuffered: true
    credentials: {
      name: hubName
      endpointAddress: hubHost
      identityClientId: 'SystemAssigned'
    }
  }
}

var values = {
  'token-meter-stream-mode': streamMode
  'token-meter-include-usage': string(includeUsage)
}

resource namedValues 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = [
  for value in items(values): {
    parent: apim
    name: value.key
    properties: {
      displayName: value.key
      value: value.value
      secret: false
    }
  }
]

resource inbound 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = {
  parent: apim
  name: 'meter-inbound'
  properties: {
    description: 'Token meter: who calls, and what'
    format: 'rawxml'
    value: loadTextContent('../policies/meter-inbound.xml')
  }
  dependsOn: [
    logger
    namedValues
  ]
}

resource outbound 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = {
  parent: apim
  name: 'meter-outbound'
  properties: {
    description: 'Token meter: the answer, and the record'
    format: 'rawxml'
    value: loadTextContent('../policies/meter-outbound.xml')
  }
  dependsOn: [
    logger
    namedValues
  ]
}

resource onError 'Microsoft.ApiManagement/service/policyFragments@2024-05-01' = {
  parent: apim
  name: 'meter-on-error'
  properties: {
    description: 'Token meter: calls that failed'
    format: 'rawxml'
    value: loadTextContent('../policies/meter-on-error.xml')
  }
  dependsOn: [
    logger
    namedValues
  ]
}

resource llmLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(llmLogsRuleId)) {
  name: 'token-meter'
  scope: apim
  properties: {
    eventHubAuthorizationRuleId: llmLogsRuleId
    eventHubName: hubName
    logs: [
      {
        category: 'GatewayLogs'
        enabled: true
      }
      {
        category: 'GatewayLlmLogs'
        enabled: true
      }
    ]
  }
}

output principalId string = apim.identity.principalId
