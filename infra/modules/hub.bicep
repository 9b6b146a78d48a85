// The hub that the gateway's records arrive on. Identities send and receive; there is no shared key unless API
// Management's own logs are wanted, which diagnostic settings can only send with one.
param location string
param tags object
param name string
param partitionCount int
param retentionDays int
param maximumThroughputUnits int
param receiverPrincipalId string

@description('The identity that writes captured events.')
param identityId string

@description('Storage account that events are captured in; empty for no capture.')
param captureStorageId string

param sharedAccessRule bool
param publicNetwork bool

var roles = loadJsonContent('../roles.json')
var hubNameText = 'ai-usage'
var consumerGroupName = 'token-meter'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    disableLocalAuth: !sharedAccessRule
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetwork ? 'Enabled' : 'Disabled'
    isAutoInflateEnabled: maximumThroughputUnits > 1
    maximumThroughputUnits: maximumThroughputUnits > 1 ? maximumThroughputUnits : 0
  }
}

// API Management and Azure Monitor's diagnostic settings are trusted services and pass
resource rules 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = if (!publicNetwork) {
  parent: namespace
  name: 'default'
  properties: {
    defaultAction: 'Deny'
    publicNetworkAccess: 'Disabled'
    trustedServiceAccessEnabled: true
  }
}

var capture = {
  enabled: true
  encoding: 'Avro'
  intervalInSeconds: 300
  sizeLimitInBytes: 314572800
  skipEmptyArchives: true
  destination: {
    name: 'EventHubArchive.AzureBlockBlob'
    identity: {
      type: 'UserAssigned'
      userAssignedIdentity: identityId
    }
    properties: {
      storageAccountResourceId: captureStorageId
      blobContainer: 'capture'
      archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
    }
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: hubNameText
  properties: {
    partitionCount: partitionCount
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionDays * 24
    }
    captureDescription: empty(captureStorageId) ? null : capture
  }
}

resource consumerGroup 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: consumerGroupName
}

resource sendRule 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = if (sharedAccessRule) {
  parent: namespace
  name: 'diagnostics-send'
  properties: {
    rights: [
      'Send'
    ]
  }
}

resource receiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, receiverPrincipalId, roles.eventHubsDataReceiver)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventHubsDataReceiver)
    principalId: receiverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output namespaceId string = namespace.id
output namespaceName string = namespace.name
output host string = '${namespace.name}.servicebus.windows.net'
output hubName string = hub.name
output consumerGroup string = consumerGroup.name
output sendRuleId string = sharedAccessRule ? sendRule.id : ''
