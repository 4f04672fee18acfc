az webpubsub hub create --name my-service --resource-group my-group --hub-name chat \
  --allow-anonymous true \
  --event-handler 'url-template=https://example.com/{hub}/{event}?code={@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/code)}' 'user-event-pattern=say, it'\''s' system-event=connect auth-type=ManagedIdentity auth-resource=api://chat \
  --event-handler url-template=https://example.com/rest 'user-event-pattern=*'

az rest --method put \
  --url 'https://management.azure.com/subscriptions/{subscriptionId}/resourceGroups/my-group/providers/Microsoft.SignalRService/webPubSub/my-service/hubs/present?api-version=2025-08-01-preview' \
  --body '{
  "properties": {
    "anonymousConnectPolicy": "deny",
    "eventHandlers": [
      {
        "urlTemplate": "http://example.com/?a=1",
        "systemEvents": [
          "connected",
          "disconnected"
        ],
        "groupPresenceEvents": {
          "eventNames": [
            "joined",
            "left"
          ],
          "groupFilters": [
            "room.*",
            "a\"b"
          ]
        }
      }
    ]
  }
}'

az webpubsub hub create --name my-service --resource-group my-group --hub-name quiet \
  --allow-anonymous false
