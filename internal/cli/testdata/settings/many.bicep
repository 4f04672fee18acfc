param serviceName string = 'my-service'

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: serviceName
}

resource hub_chat 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: service
  name: 'chat'
  properties: {
    anonymousConnectPolicy: 'allow'
    eventHandlers: [
      {
        urlTemplate: 'https://example.com/{hub}/{event}?code={@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/code)}'
        userEventPattern: 'say, it\'s'
        systemEvents: [
          'connect'
        ]
        auth: {
          type: 'ManagedIdentity'
          managedIdentity: {
            resource: 'api://chat'
          }
        }
      }
      {
        urlTemplate: 'https://example.com/rest'
        userEventPattern: '*'
        systemEvents: []
      }
    ]
  }
}

resource hub_present 'Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview' = {
  parent: service
  name: 'present'
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [
      {
        urlTemplate: 'http://example.com/?a=1'
        systemEvents: [
          'connected'
          'disconnected'
        ]
        groupPresenceEvents: {
          eventNames: [
            'joined'
            'left'
          ]
          groupFilters: [
            'room.*'
            'a"b'
          ]
        }
      }
    ]
  }
}

resource hub_quiet 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: service
  name: 'quiet'
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: []
  }
}
