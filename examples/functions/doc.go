// Command functions is an event handler for Azure Functions, which has no Web PubSub
// trigger for Go. The program is a custom handler: the Functions host starts it and
// forwards to it the requests of one HTTP function, whose URL is that of the hub's event
// handler. Clients receive their messages back.
//
// The files of the function app are host.json and eventhandler/function.json. They
// forward each request as it is (enableForwardingHttpRequest), for the methods that the
// service uses: OPTIONS to ask for consent, POST for events, and GET, with which people
// try a URL in a browser.
//
// Build it for the operating system of the function app, and publish the folder with the
// Functions Core Tools:
//
//	GOOS=linux GOARCH=amd64 go build -o handler ./examples/functions
//	mv handler examples/functions && cd examples/functions
//	func azure functionapp publish APP --custom
//	az functionapp config appsettings set --name APP --resource-group GROUP \
//	    --settings "WEBPUBSUB_CONNECTION_STRING=Endpoint=https://…"
//
// The function demands a key (authLevel function). It is a part of the URL in the hub's
// settings, since the service cannot send it otherwise:
//
//	https://APP.azurewebsites.net/api/eventhandler?code=KEY
//
// Without the code the host answers validation requests with 401, and the service then
// reports that abuse protection failed. The key does not replace the signature, which the
// handler verifies.
//
// The host limits a request to 230 seconds behind Azure's load balancer. The service
// waits for less: 100 seconds.
package main
