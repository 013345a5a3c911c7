package spool

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A state is what becomes of new events.
type state string

const (
	direct   state = "direct"   // they go to Kafka
	spooling state = "spooling" // into the log, and Kafka takes nothing
	draining state = "draining" // into the log, and Kafka takes what is in it
	refused  state = "refused"  // neither takes them: clients are told to send again
)

// tellEvery is how often the same state is told again, and the least time between two lines of it.
const tellEvery = time.Minute

// A teller writes a sender's changes of state to its log, each once. A state that comes and goes is told no more than once a minute.
type teller struct {
	log *zap.Logger

	mu    sync.Mutex
	now   state
	since map[state]time.Time // when it was told last
}

func newTeller(log *zap.Logger) *teller {
	return &teller{log: log, now: direct, since: make(map[state]time.Time)}
}

// is returns the state that the log was told of.
func (t *teller) is() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// tell says that the state is to, or still is: whoever knows it may call at any time.
func (t *teller) tell(to state, level zapcore.Level, message string, fields ...zap.Field) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, before := t.since[to]
	if before && time.Since(last) < tellEvery {
		return
	}
	if to == t.now && to == direct {
		return
	}
	t.now = to
	t.since[to] = time.Now()
	t.log.Log(level, message, append(fields, zap.String("events", string(to)))...)
}
