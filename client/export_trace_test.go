package client

import "context"

// CallTrace returns a function that calls two functions of a trace as a client does.
func CallTrace(trace *Trace) func() {
	d, ctx := new(dispatcher), context.Background()
	return func() {
		traced(ctx, d, trace.Received, ReceivedInfo{ConnectionID: "id", Kind: MessageGroup, SequenceID: 1, Bytes: 2, Queued: 3})
		traced(ctx, d, trace.Lost, LostInfo{ConnectionID: "id", CloseCode: 1})
	}
}
