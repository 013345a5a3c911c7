package kafkatest

import (
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Log returns a log for a service that runs in the test, though it may end after it. When the test fails, the last of it is printed.
func Log(t testing.TB) *zap.Logger {
	t.Helper()
	if _, isBenchmark := t.(*testing.B); isBenchmark {
		return zap.NewNop()
	}
	said := new(lastLines)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the service's log:\n%s", said)
		}
	})
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(said), zapcore.InfoLevel))
}

// lastBytes bounds what a failed test prints of a log.
const lastBytes = 64 << 10

// LastLines keep the last of what is written.
type lastLines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	if over := len(l.text) - lastBytes; over > lastBytes {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	return len(line), nil
}

func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[max(0, len(l.text)-lastBytes):])
}
