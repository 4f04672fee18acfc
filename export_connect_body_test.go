package webpubsub

// DecodeConnectBody gives tests the decoder without the handler around it.
func DecodeConnectBody(body []byte) (*ConnectEvent, error) {
	ev := &ConnectEvent{Meta: Meta{body: body}}
	return ev, ev.decode()
}
