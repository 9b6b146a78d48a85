// The meter on Azure: one resource group, one identity for the Function, no key anywhere.
//
// Order that Azure needs: workspace, tables, data collection rule, roles, Function; gateway last. Each concern is a
// module. docs/infrastructure.md explains the parameters, the roles and what was not compiled.
targetScope = 'resourceGroup'

@description('Region of everything here. The data collection rule follows the workspace.')
param location string = resourceGroup().location

@description('Beginning of every name, 2 to 10 lower-case letters and digits.')
@minLength(2)
@maxLength(10)
param namePrefix string = 'tokmeter'

@description('Name of the azd environment; empty where azd is not used.')
param environmentName string = ''

@description('Tags on every resource.')
param tags object = {}

@description('Resource id of an existing Log Analytics workspace; empty makes a new one.')
param workspaceId string = ''

@description('Days that usage stays interactive, at least 400 so that a year can be compared.')
@minValue(400)
@maxValue(730)
param usageRetentionDays int = 730

@description('Days that usage is kept in all, in long-term storage after the interactive ones.')
@minValue(400)
@maxValue(4383)
param usageTotalRetentionDays int = 2556

@description('Gigabytes a day after which a new workspace takes no more data, -1 for no cap. Usage above a cap is lost.')
param dailyCapGigabytes int = -1

@description('Partitions of the hub; the number of Function instances that can meter at once.')
@minValue(1)
@maxValue(32)
param partitionCount int = 8

@description('Days that the hub keeps events: how long an outage of the meter may last.')
@minValue(1)
@maxValue(7)
param hubRetentionDays int = 7

@description('Throughput units that the hub may grow to; it begins with 1 (1 MB a second).')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int = 10

@description('Whether the hub also writes every event to blobs, from which any period can be metered again.')
param captureEnabled bool = false

@description('Days that dead letters and captured events are kept. They hold content; everything else does not.')
@minValue(1)
@maxValue(3650)
param contentRetentionDays int = 30

@description('Name of an existing API Management service; empty leaves the gateway alone.')
param apimName string = ''

@description('Resource group of that service; empty for this one.')
param apimResourceGroup string = ''

@description('Whether to make a developer-tier API Management for a trial (about 30 minutes, no SLA).')
param trialApim bool = false

@description('Address that the trial service announces itself with; required for it.')
param trialPublisherEmail string = ''

@description('What becomes of streamed answers: identity, buffer or usage-only (docs/gateway.md).')
@allowed([
  'identity'
  'buffer'
  'usage-only'
])
param streamMode string = 'identity'

@description('Whether streams that did not ask for usage are made to ask.')
param includeUsage bool = false

@description('Whether API Management also sends its own LLM logs to the hub. They need a Send-only shared access rule.')
param llmLogs bool = false

@description('Teams that may read their own usage (docs/access.md): objects with a group\'s `principalId` and their `appIds`.')
param teams array = []

@description('Addresses that alerts are mailed to; none makes no alerts.')
param alertEmails array = []

@description('Lag in seconds after which an alert is sent.')
param lagAlertSeconds int = 900

@description('Share of charged calls with unknown tokens, in percent, after which an alert is sent.')
param unknownShareAlertPercent int = 5

@description('Resource ids of the Azure OpenAI and AI Services accounts whose own metrics the meter is held against; none compares nothing.')
param reconciledAccounts array = []

@description('Difference between a day of the meter and of those metrics, in percent, after which an alert is sent.')
param driftAlertPercent int = 5

@description('Whether the Function keeps four times a day what each budget of prices/applications.csv comes to, so that an alert can tell.')
param watchBudgets bool = false

@description('Whether everything is reached through private endpoints only.')
param privateNetwork bool = false

@description('Address space of the network that is made for it, a /24 or larger.')
param networkAddressSpace string = '10.90.0.0/24'

@description('Memory of a Function instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Most instances of the Function; more than the partitions are of no use.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Where counters go: azure-monitor, otlp or off.')
@allowed([
  'azure-monitor'
  'otlp'
  'off'
])
param metrics string = 'azure-monitor'

@description('Whether the Function keeps the sums of whole days, which make questions about months fast. It reads the workspace.')
param dailyUsage bool = true

@description('Further settings of the Function by name (docs/configuration.md), such as DEPLOYMENT_MODELS.')
param functionSettings object = {}

var token = toLower(uniqueString(resourceGroup().id, namePrefix))
var allTags = union(tags, empty(environmentName) ? {} : { 'azd-env-name': environmentName })
var newWorkspace = empty(workspaceId)
var gatewayName = trialApim ? '${namePrefix}-apim-${token}' : apimName

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-vnet-${token}'
    addressSpace: networkAddressSpace
  }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-id-${token}'
  }
}

module workspace 'modules/workspace.bicep' = if (newWorkspace) {
  name: 'workspace'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-log-${token}'
    dailyCapGigabytes: dailyCapGigabytes
    publicIngestion: !privateNetwork
  }
}

var usedWorkspaceId = newWorkspace ? workspace!.outputs.id : workspaceId

module tables 'modules/tables.bicep' = {
  name: 'tables'
  scope: resourceGroup(split(usedWorkspaceScope, '/')[2], split(usedWorkspaceScope, '/')[4])
  params: {
    workspaceName: newWorkspace ? workspace!.outputs.name : last(split(workspaceId, '/'))
    retentionDays: usageRetentionDays
    totalRetentionDays: usageTotalRetentionDays
  }
}

var readsWorkspace = dailyUsage || watchBudgets || !empty(reconciledAccounts)

// a module's scope must be known before anything is deployed, so it cannot come from an output
var usedWorkspaceScope = newWorkspace ? resourceGroup().id : workspaceId

module queries 'modules/queries.bicep' = {
  name: 'queries'
  scope: resourceGroup(split(usedWorkspaceScope, '/')[2], split(usedWorkspaceScope, '/')[4])
  params: {
    workspaceName: newWorkspace ? workspace!.outputs.name : last(split(workspaceId, '/'))
  }
  dependsOn: [
    tables
  ]
}

module queryPack 'modules/queryPack.bicep' = {
  name: 'queryPack'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-queries-${token}'
  }
}

module rule 'modules/rule.bicep' = {
  name: 'rule'
  params: {
    location: tables.outputs.location
    tags: allTags
    name: '${namePrefix}-dcr-${token}'
    workspaceId: usedWorkspaceId
    publisherPrincipalId: identity.outputs.principalId
    withEndpoint: privateNetwork
  }
}

module insights 'modules/insights.bicep' = {
  name: 'insights'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-appi-${token}'
    workspaceId: usedWorkspaceId
    publisherPrincipalId: identity.outputs.principalId
  }
}

module workspaceReader 'modules/workspaceReader.bicep' = if (readsWorkspace) {
  name: 'workspaceReader'
  scope: resourceGroup(split(usedWorkspaceScope, '/')[2], split(usedWorkspaceScope, '/')[4])
  params: {
    workspaceName: newWorkspace ? workspace!.outputs.name : last(split(workspaceId, '/'))
    principalId: identity.outputs.principalId
  }
}

module metricsReader 'modules/metricsReader.bicep' = [
  for (account, index) in reconciledAccounts: {
    name: 'metricsReader-${index}'
    scope: resourceGroup(split(account, '/')[2], split(account, '/')[4])
    params: {
      accountName: last(split(account, '/'))
      principalId: identity.outputs.principalId
    }
  }
]

module teamReader 'modules/teamReader.bicep' = [
  for (team, index) in teams: {
    name: 'teamReader-${index}'
    scope: resourceGroup(split(usedWorkspaceScope, '/')[2], split(usedWorkspaceScope, '/')[4])
    params: {
      workspaceName: newWorkspace ? workspace!.outputs.name : last(split(workspaceId, '/'))
      principalId: team.principalId
      appIds: team.appIds
    }
  }
]

module hostStorage 'modules/hostStorage.bicep' = {
  name: 'hostStorage'
  params: {
    location: location
    tags: allTags
    name: take('${namePrefix}host${token}', 24)
    principalId: identity.outputs.principalId
    publicNetwork: !privateNetwork
  }
}

module contentStorage 'modules/contentStorage.bicep' = {
  name: 'contentStorage'
  params: {
    location: location
    tags: allTags
    name: take('${namePrefix}data${token}', 24)
    principalId: identity.outputs.principalId
    retentionDays: contentRetentionDays
    publicNetwork: !privateNetwork
  }
}

module hub 'modules/hub.bicep' = {
  name: 'hub'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-evhns-${token}'
    partitionCount: partitionCount
    retentionDays: hubRetentionDays
    maximumThroughputUnits: maximumThroughputUnits
    receiverPrincipalId: identity.outputs.principalId
    identityId: identity.outputs.id
    captureStorageId: captureEnabled ? contentStorage.outputs.id : ''
    sharedAccessRule: llmLogs
    publicNetwork: !privateNetwork
  }
}

module privateAccess 'modules/privateAccess.bicep' = if (privateNetwork) {
  name: 'privateAccess'
  params: {
    location: location
    tags: allTags
    namePrefix: '${namePrefix}-${token}'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
    hostStorageId: hostStorage.outputs.id
    contentStorageId: contentStorage.outputs.id
    hubNamespaceId: hub.outputs.namespaceId
    workspaceId: usedWorkspaceId
    insightsId: insights.outputs.id
    collectionEndpointId: rule.outputs.endpointId
  }
}

module function 'modules/function.bicep' = {
  name: 'function'
  params: {
    location: location
    tags: union(allTags, { 'azd-service-name': 'meter' })
    name: '${namePrefix}-func-${token}'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: hostStorage.outputs.name
    packageContainer: hostStorage.outputs.packageContainer
    subnetId: privateNetwork ? network!.outputs.functionSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    settings: union(
      {
        EventHubConnection__fullyQualifiedNamespace: hub.outputs.host
        EventHubConnection__credential: 'managedidentity'
        EventHubConnection__clientId: identity.outputs.clientId
        EVENT_HUB_NAME: hub.outputs.hubName
        EVENT_HUB_CONSUMER_GROUP: hub.outputs.consumerGroup
        LOGS_INGESTION_ENDPOINT: rule.outputs.ingestionEndpoint
        LOGS_INGESTION_RULE_ID: rule.outputs.immutableId
        DEAD_LETTER_CONTAINER_URL: contentStorage.outputs.deadLetterContainer
        CAPTURE_CONTAINER_URL: captureEnabled ? contentStorage.outputs.captureContainer : ''
        ReplayQueue__queueServiceUri: hostStorage.outputs.queueEndpoint
        ReplayQueue__credential: 'managedidentity'
        ReplayQueue__clientId: identity.outputs.clientId
        LOG_ANALYTICS_WORKSPACE_ID: readsWorkspace ? tables.outputs.customerId : ''
        DAILY_USAGE: dailyUsage ? 'on' : 'off'
        WATCH_BUDGETS: watchBudgets ? 'on' : 'off'
        RECONCILED_ACCOUNTS: join(reconciledAccounts, ';')
        METRICS: metrics
        APPLICATIONINSIGHTS_CONNECTION_STRING: insights.outputs.connectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
        APPLICATIONINSIGHTS_METRIC_NAMESPACE_OPT_IN: 'true'
      },
      functionSettings
    )
  }
}

module trialGateway 'modules/trialGateway.bicep' = if (trialApim) {
  name: 'trialGateway'
  params: {
    location: location
    tags: allTags
    name: '${namePrefix}-apim-${token}'
    publisherEmail: trialPublisherEmail
  }
}

module gateway 'modules/gateway.bicep' = if (trialApim || !empty(apimName)) {
  name: 'gateway'
  scope: resourceGroup(trialApim || empty(apimResourceGroup) ? resourceGroup().name : apimResourceGroup)
  params: {
    apimName: gatewayName
    hubHost: hub.outputs.host
    hubName: hub.outputs.hubName
    streamMode: streamMode
    includeUsage: includeUsage
    llmLogsRuleId: llmLogs ? hub.outputs.sendRuleId : ''
  }
  dependsOn: [
    trialGateway
  ]
}

module sender 'modules/hubSender.bicep' = if (trialApim || !empty(apimName)) {
  name: 'sender'
  params: {
    namespaceName: hub.outputs.namespaceName
    hubName: hub.outputs.hubName
    principalId: gateway!.outputs.principalId
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    tags: allTags
    workspaceId: usedWorkspaceId
  }
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmails)) {
  name: 'alerts'
  params: {
    location: tables.outputs.location
    tags: allTags
    namePrefix: namePrefix
    workspaceId: usedWorkspaceId
    emails: alertEmails
    lagSeconds: lagAlertSeconds
    unknownSharePercent: unknownShareAlertPercent
    driftPercent: driftAlertPercent
  }
  dependsOn: [
    queries
  ]
}

output AZURE_FUNCTION_NAME string = function.outputs.name
output EVENT_HUB_NAMESPACE string = hub.outputs.host
output EVENT_HUB_NAME string = hub.outputs.hubName
output LOGS_INGESTION_ENDPOINT string = rule.outputs.ingestionEndpoint
output LOGS_INGESTION_RULE_ID string = rule.outputs.immutableId
output DEAD_LETTER_CONTAINER_URL string = contentStorage.outputs.deadLetterContainer
output LOG_ANALYTICS_WORKSPACE_RESOURCE_ID string = usedWorkspaceId
output LOG_ANALYTICS_WORKSPACE_ID string = tables.outputs.customerId
