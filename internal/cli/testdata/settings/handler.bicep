// answers of URL/{hub}/{event}?… to the service contoso.webpubsub.azure.com
// consent: yes; signed events are accepted
// system events: connect 200, connected 204, disconnected 204
// user events: webpubsub-check 200; an answer does not show which the handler knows, so name them by --user-events
// group presence: joined 204, left 204; an answer does not show whether the handler uses it, so add --group-events joined,left if it does
// not visible from outside: whether clients need a token (--anonymous), and whether the handler does (--auth-resource)
param serviceName string = 'my-service'

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: serviceName
}

resource hub_chat 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: service
  name: 'chat'
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [
      {
        urlTemplate: 'https://example.com/'
        userEventPattern: '*'
        systemEvents: [
          'connect'
          'connected'
          'disconnected'
        ]
      }
    ]
  }
}
