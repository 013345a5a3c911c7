package load

import "context"

// traceKey is where a context has its trace.
type traceKey struct{}

// WithTrace returns a context under which a Loader calls step as a partition comes to each step of the protocol: formed, intended, replaying,
// readback, confirming, inserting, searching, inserted, replacing, burying, buried, stored, settled; of joint batches gathered, joined (their intents
// are committed), inserting jointly, and of one that was not stored together fencing, fenced, healing, forgotten (nobody needs
// to know any more that it was). The partition goes on when step returns.
// Partitions call it at the same time. It is for tests, which stop and kill a sink there; net/http/httptrace is the model.
func WithTrace(ctx context.Context, step func(name string)) context.Context {
	return context.WithValue(ctx, traceKey{}, step)
}

// traceOf returns what to call at each step.
func traceOf(ctx context.Context) func(name string) {
	if step, ok := ctx.Value(traceKey{}).(func(name string)); ok {
		return step
	}
	return func(string) {}
}
