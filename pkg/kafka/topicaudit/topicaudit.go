// Package topicaudit tells whether topics are configured to hold what is written to them: as a readiness check of the services that use them,
// and as sentences for an operator. judge has the rules.
//
// What needs a broker is tested in services/local/kafkatest and services/local/e2e/readiness.
package topicaudit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
)

// A Use is what a service needs of a topic's configuration.
type Use struct {
	Topic string
	// BatchBytes is the largest batch that it writes; 0 when it only reads.
	BatchBytes int
	// Compacted is true where the last record of each key is all that counts, and is kept for ever.
	Compacted bool
}

// ErrLoses means that a topic is configured so that records are lost before they are read. Waiting does not fix it.
var ErrLoses = errors.New("kafka: the topic would lose records")

const (
	// leastKept is the least time a record is kept that leaves somebody time to fix what reads it.
	leastKept = time.Hour
	// mostDelay is how old a record's time may be when it is written: it waited for a broker, in a request or for an answer.
	mostDelay = time.Hour
	// auditAgain is how long an audit stands; fixedSoon is how long one that found fault does.
	auditAgain = time.Minute
	fixedSoon  = 5 * time.Second
)

// An Audit looks at the configuration of some topics. Start is called once, then Watch; Check at any time.
type Audit struct {
	client *kafka.Client
	log    *zap.Logger
	uses   []Use
	said   map[string]bool // each doubt is said once

	mu   sync.Mutex
	last error
}

// New returns an audit of topics. Topics that do not exist yet are looked at once they do. What is doubtful goes to log, each once.
func New(client *kafka.Client, log *zap.Logger, uses ...Use) *Audit {
	return &Audit{client: client, log: log, uses: uses, said: make(map[string]bool)}
}

// Start waits until the cluster can be asked, logs what is doubtful, and returns ErrLoses with the cure, or nil. A user that may
// not describe configurations is warned once. When ctx ends it returns nil.
func (a *Audit) Start(ctx context.Context) error {
	looking := retry.Policy{First: 100 * time.Millisecond, Last: 5 * time.Second, Notice: func(err error) {
		a.say("cannot look at the topics' configuration; trying again", zap.Error(err))
	}}
	if err := looking.Do(ctx, func() error { return a.look(ctx) }); err != nil || ctx.Err() != nil {
		return nil
	}
	return a.Check(ctx)
}

// Watch looks again until ctx ends: configurations change while services run.
func (a *Audit) Watch(ctx context.Context) {
	for {
		pause := auditAgain
		if a.Check(ctx) != nil {
			pause = fixedSoon
		}
		if retry.Pause(ctx, pause) != nil {
			return
		}
		_ = a.look(ctx) // that the cluster cannot be asked is for Reach to say
	}
}

// Check is a readiness check: ErrLoses or nil, as found last.
func (a *Audit) Check(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// Doubts looks now, and returns each doubt and loss as "topic: sentence". Topics that this user may not describe are left out.
func (a *Audit) Doubts(ctx context.Context) ([]string, error) {
	var out []string
	err := a.judgeAll(ctx, func(topic, loss string, doubts []string) {
		if loss != "" {
			doubts = append(doubts, loss)
		}
		for _, doubt := range doubts {
			out = append(out, topic+": "+doubt)
		}
	})
	return out, err
}

// look notes what it finds. Its error is that the cluster cannot be asked.
func (a *Audit) look(ctx context.Context) error {
	var losses []string
	err := a.judgeAll(ctx, func(topic, loss string, doubts []string) {
		if loss != "" {
			losses = append(losses, topic+" has "+loss)
		}
		for _, doubt := range doubts {
			a.say("a topic's configuration is doubtful", zap.String("topic", topic), zap.String("doubt", doubt))
		}
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last = nil; len(losses) > 0 {
		a.last = fmt.Errorf("%w: %s", ErrLoses, strings.Join(losses, "; "))
	}
	return nil
}

func (a *Audit) judgeAll(ctx context.Context, found func(topic, loss string, doubts []string)) error {
	for _, use := range a.uses {
		config, err := a.client.TopicConfig(ctx, use.Topic, auditedSettings...)
		switch {
		case errors.Is(err, kafka.ErrUnknownTopic): // another time
		case err != nil && !kafka.Retriable(err) && ctx.Err() == nil:
			a.say("this user may not describe the topics' configuration: whether they keep and take all records is not checked",
				zap.String("topic", use.Topic), zap.Error(err))
		case err != nil:
			return err
		default:
			loss, doubts := judge(use, config)
			found(use.Topic, loss, doubts)
		}
	}
	return nil
}

// say logs a warning, each once.
func (a *Audit) say(message string, fields ...zap.Field) {
	key := message
	for _, f := range fields {
		key += "|" + f.String
	}
	if !a.said[key] {
		a.said[key] = true
		a.log.Warn(message, fields...)
	}
}

// auditedSettings are Kafka's names (https://kafka.apache.org/documentation/#topicconfigs). Brokers leave out those they do not know.
var auditedSettings = []string{
	"cleanup.policy", "retention.ms", "retention.bytes", "message.timestamp.type", "message.timestamp.before.max.ms",
	"message.timestamp.difference.max.ms", "max.message.bytes",
}

// judge returns what certainly loses records, and what may. Each is a sentence that goes on after "the topic has".
func judge(use Use, config map[string]string) (loss string, doubts []string) {
	if use.Compacted {
		if policy := config["cleanup.policy"]; policy != "compact" {
			loss = fmt.Sprintf("cleanup.policy=%s: records are deleted by their age, which must be kept for ever. Set cleanup.policy=compact; waymarkctl topics apply does", policy)
		}
		return loss, nil
	}
	if strings.Contains(config["cleanup.policy"], "compact") {
		loss = fmt.Sprintf("cleanup.policy=%s: of the records with one key Kafka keeps the last and throws the others away unread. "+
			"Set cleanup.policy=delete; waymarkctl topics apply does", config["cleanup.policy"])
	}
	doubt := func(format string, args ...any) { doubts = append(doubts, fmt.Sprintf(format, args...)) }
	if ms, ok := limit(config, "retention.ms"); ok && ms < leastKept.Milliseconds() {
		doubt("retention.ms=%d: what is not read within %s is deleted", ms, time.Duration(ms)*time.Millisecond)
	}
	if bytes, ok := limit(config, "retention.bytes"); ok {
		doubt("retention.bytes=%d: a partition that grows beyond it loses its oldest records, read or not", bytes)
	}
	if config["message.timestamp.type"] == "LogAppendTime" {
		doubt("message.timestamp.type=LogAppendTime: clients' repetitions and times to start from are told by the brokers' clocks")
	} else {
		for _, name := range []string{"message.timestamp.before.max.ms", "message.timestamp.difference.max.ms"} {
			if ms, ok := limit(config, name); ok && ms < mostDelay.Milliseconds() {
				doubt("%s=%d: a record that waited longer before it was written is refused", name, ms)
			}
		}
	}
	if bytes, ok := limit(config, "max.message.bytes"); ok && bytes < int64(use.BatchBytes) {
		doubt("max.message.bytes=%d: batches of up to %d bytes are written; those above are refused, and sent again in halves at best", bytes, use.BatchBytes)
	}
	return loss, doubts
}

// limit returns a setting that is a number; -1 is none.
func limit(config map[string]string, name string) (int64, bool) {
	n, err := strconv.ParseInt(config[name], 10, 64)
	return n, err == nil && n >= 0
}
