package webpubsub

import "context"

// function is a function of a [Config] for the pipeline of [Handler].
type function struct {
	name string // key of Config.UserEvents or name of the system event; empty for Config.Fallback
	call func(ctx context.Context, ev Event) (answer, error)
}

// answer calls the function. A nil function returns an empty answer.
func (f *function) answer(ctx context.Context, ev Event) (answer, error) {
	if f == nil {
		return answer{}, nil
	}
	return f.call(ctx, ev)
}

func connectFunction(f func(context.Context, *ConnectEvent) (*ConnectReply, error)) *function {
	if f == nil {
		return nil
	}
	return &function{name: string(EventKindConnect), call: func(ctx context.Context, ev Event) (answer, error) {
		connect, _ := ev.(*ConnectEvent)
		reply, err := f(ctx, connect)
		if err != nil || reply == nil {
			return answer{}, err
		}
		return reply.answer(connect)
	}}
}

func userFunction(name string, f UserEventFunc) *function {
	if f == nil {
		return nil
	}
	return &function{name: name, call: func(ctx context.Context, ev Event) (answer, error) {
		user, _ := ev.(*UserEvent)
		reply, err := f(ctx, user)
		if err != nil {
			return answer{}, err
		}
		return reply.answer(user)
	}}
}

// notification wraps a function of an event whose answer has no content.
func notification[E Event](kind EventKind, f func(context.Context, E) error) *function {
	if f == nil {
		return nil
	}
	return &function{name: string(kind), call: func(ctx context.Context, ev Event) (answer, error) {
		own, _ := ev.(E)
		return answer{}, f(ctx, own)
	}}
}
