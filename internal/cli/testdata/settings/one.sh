az webpubsub hub create --name my-service --resource-group my-group --hub-name chat \
  --allow-anonymous false \
  --event-handler url-template=https://example.com/eventhandler 'user-event-pattern=*' system-event=connect system-event=connected system-event=disconnected
