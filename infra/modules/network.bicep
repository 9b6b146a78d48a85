// A network for the private set-up: one subnet that the Function goes out through, one for the private endpoints.
param location string
param tags object
param name string

@description('A /24 or larger; each subnet takes a /26 of it.')
param addressSpace string

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressSpace
      ]
    }
    subnets: [
      {
        name: 'function'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 26, 0)
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments' // what Flex Consumption integrates through
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

output id string = network.id
output functionSubnetId string = network.properties.subnets[0].id
output endpointSubnetId string = network.properties.subnets[1].id
