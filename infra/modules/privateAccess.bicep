// Private endpoints and names for everything the Function reaches: both storages, the hub, Azure Monitor.
param location string
param tags object
param namePrefix string
param networkId string
param subnetId string
param hostStorageId string
param contentStorageId string
param hubNamespaceId string
param workspaceId string
param insightsId string
param collectionEndpointId string

var storageSuffix = environment().suffixes.storage

resource monitorScope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' = {
  name: '${namePrefix}-monitor'
  location: 'global'
  tags: tags
  properties: {
    accessModeSettings: {
      ingestionAccessMode: 'PrivateOnly'
      queryAccessMode: 'Open'
    }
  }
}

var monitored = [
  {
    name: 'workspace'
    id: workspaceId
  }
  {
    name: 'insights'
    id: insightsId
  }
  {
    name: 'endpoint'
    id: collectionEndpointId
  }
]

@batchSize(1)
resource monitoredResources 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-07-01-preview' = [
  for member in monitored: {
    parent: monitorScope
    name: member.name
    properties: {
      linkedResourceId: member.id
    }
  }
]

var zoneNames = [
  'privatelink.blob.${storageSuffix}'
  'privatelink.queue.${storageSuffix}'
  'privatelink.table.${storageSuffix}'
  'privatelink.servicebus.windows.net'
  'privatelink.monitor.azure.com'
  'privatelink.ods.opinsights.azure.com'
  'privatelink.oms.opinsights.azure.com'
  'privatelink.agentsvc.azure-automation.net'
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zoneNames: {
    name: zoneName
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zoneName, index) in zoneNames: {
    parent: zones[index]
    name: 'network'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]

// which of the zones above an endpoint's names go to
var endpoints = [
  {
    name: 'host-blob'
    target: hostStorageId
    group: 'blob'
    zones: [0]
  }
  {
    name: 'host-queue'
    target: hostStorageId
    group: 'queue'
    zones: [1]
  }
  {
    name: 'host-table'
    target: hostStorageId
    group: 'table'
    zones: [2]
  }
  {
    name: 'content-blob'
    target: contentStorageId
    group: 'blob'
    zones: [0]
  }
  {
    name: 'hub'
    target: hubNamespaceId
    group: 'namespace'
    zones: [3]
  }
  {
    name: 'monitor'
    target: monitorScope.id
    group: 'azuremonitor'
    zones: [4, 5, 6, 7, 0]
  }
]

@batchSize(1)
resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for endpoint in endpoints: {
    name: '${namePrefix}-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.target
            groupIds: [
              endpoint.group
            ]
          }
        }
      ]
    }
    dependsOn: [
      monitoredResources
    ]
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in endpoint.zones: {
          name: replace(zoneNames[zone], '.', '-')
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneNames[zone])
          }
        }
      ]
    }
    dependsOn: [
      zones
      links
    ]
  }
]
