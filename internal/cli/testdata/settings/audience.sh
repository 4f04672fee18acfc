az webpubsub hub create --name my-chat --resource-group other --hub-name chat \
  --allow-anonymous false \
  --event-handler url-template=https://example.com/eventhandler system-event=connect system-event=connected system-event=disconnected auth-type=ManagedIdentity auth-resource=api://chat
