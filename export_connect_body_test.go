package webpubsub

// DecodeConnectBody is the decoder for tests without a handler.
func DecodeConnectBody(body []byte) (*ConnectEvent, error) {
	ev := &ConnectEvent{Meta: Meta{text: string(body)}}
	return ev, ev.decode()
}
