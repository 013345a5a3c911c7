package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// A fault is one kind of harm.
type fault struct {
	name string
	do   act
}

// An act harms, waits, and heals; what it returns says what exactly was done.
type act = func(ctx context.Context, w *world, random *rand.Rand) (string, error)

// sessionTimeout is that of the consumers under test.
const sessionTimeout = 6 * time.Second

// faults are all kinds that this Kafka can suffer.
func faults(apache bool) []fault {
	all := []fault{
		{"edge killed", killOne(edges)},
		{"edge frozen", freezeOne(edges, time.Second, 4*time.Second)},
		{"edge restarted in order", restartOne(edges)},
		{"enricher killed", killOne(enrichers)},
		{"enricher frozen past its session", freezeOne(enrichers, sessionTimeout+2*time.Second, sessionTimeout+5*time.Second)},
		{"sink killed", killOne(sinks)},
		{"sink frozen past its session", freezeOne(sinks, sessionTimeout+2*time.Second, sessionTimeout+5*time.Second)},
		{"three enrichers added and removed", scale((*world).enricher, enricherCrew)},
		{"three sinks added and removed", scale((*world).sink, sinkCrew)},
		{"broker killed", killBroker},
		{"Kafka away: edges spool, one to a small disk", kafkaAway},
		{"ClickHouse killed during inserts", killClickHouse},
		{"connections to Kafka cut", cut("Kafka", toKafka)},
		{"answers of Kafka lost", loseAnswers("Kafka", toKafka)},
		{"answers of ClickHouse lost", loseAnswers("ClickHouse", toClickHouse)},
		{"connections to ClickHouse cut part way", cutPartWay("ClickHouse", toClickHouse, 200_000)},
		{"clients cut part way through a request", cutPartWay("the edges", toEdges, 6_000)},
		{"slow network to Kafka", slow("Kafka", toKafka)},
		{"slow network to ClickHouse", slow("ClickHouse", toClickHouse)},
		{"ClickHouse frozen", freezeClickHouse},
		{"clients' clocks jump", jumpClocks},
		{"enriched topic made anew", ofIdentity(enrichedAnew)},
		{"raw topic made anew, read to its end", ofIdentity(rawAnew)},
		{"dead topic made anew, read to its end", ofIdentity(deadAnew)},
		{"dead topic absent", ofIdentity(deadAbsent)},
		{"sinks' offsets deleted", ofIdentity(deleteOffsets(sinkGroup, sinks, sinkCrew))},
		{"enrichers' offsets deleted", ofIdentity(deleteOffsets(enricherGroup, enrichers, enricherCrew))},
		{"sinks' offsets set back by a tool", ofIdentity(setBack(sinkGroup, sinks, sinkCrew))},
		{"enrichers' offsets set back by a tool", ofIdentity(setBack(enricherGroup, enrichers, enricherCrew))},
		{"a view throws, as if it would pass", refuse(viewThatPasses)},
		{"a view throws, as if a row were bad", refuse(viewOfRows)},
		{"a constraint refuses everything", refuse(constraint)},
	}
	if apache {
		all = append(all, fault{"leaders moved", elect})
	}
	return all
}

func edges(w *world) []*member     { return w.edges }
func enrichers(w *world) []*member { return w.enrichers }
func sinks(w *world) []*member     { return w.sinks }

func enricherCrew(w *world) *sync.Mutex { return &w.enricherCrew }
func sinkCrew(w *world) *sync.Mutex     { return &w.sinkCrew }

func toKafka(w *world) []*faultproxy.Proxy      { return w.toKafka }
func toEdges(w *world) []*faultproxy.Proxy      { return w.toEdges }
func toClickHouse(w *world) []*faultproxy.Proxy { return []*faultproxy.Proxy{w.toClickHouse} }

func one[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return (least + time.Duration(random.Int64N(int64(most-least)))).Round(time.Millisecond)
}

func killOne(of func(*world) []*member) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		m, away := one(random, of(w)), between(random, 0, 3*time.Second)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := w.kill(m); err != nil {
			return "", err
		}
		_ = retry.Pause(ctx, away)
		return fmt.Sprintf("%s, back after %s", m.Name, away), w.revive(ctx, m)
	}
}

func freezeOne(of func(*world) []*member, least, most time.Duration) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		m, still := one(random, of(w)), between(random, least, most)
		m.mu.Lock()
		defer m.mu.Unlock()
		return freeze(ctx, m, still)
	}
}

func freeze(ctx context.Context, m *member, still time.Duration) (string, error) {
	if err := m.Signal(syscall.SIGSTOP); err != nil {
		return "", err
	}
	_ = retry.Pause(ctx, still)
	return fmt.Sprintf("%s for %s", m.Name, still), m.Signal(syscall.SIGCONT)
}

func restartOne(of func(*world) []*member) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		m := one(random, of(w))
		m.mu.Lock()
		defer m.mu.Unlock()
		w.stopOne(ctx, m)
		return m.Name, w.revive(ctx, m)
	}
}

// scale adds three members, and takes two away by SIGTERM and one by kill -9.
func scale(add func(*world, context.Context, int) (*member, error), crew func(*world) *sync.Mutex) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		w.await(crew(w))
		defer crew(w).Unlock()
		number := 100 + int(random.Int32N(1_000_000))
		var names string
		for i := range 3 {
			m, err := add(w, ctx, number+i)
			if err != nil {
				return "", err
			}
			names += m.Name + " "
			defer func() {
				w.measure(m)
				if i == 0 {
					_ = m.Kill()
				} else if err := m.Stop(); err != nil {
					w.died(err)
				}
			}()
		}
		stay := between(random, 2*time.Second, 6*time.Second)
		_ = retry.Pause(ctx, stay)
		return fmt.Sprintf("%sstayed %s", names, stay), nil
	}
}

func killBroker(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	w.kafkaFault.Lock()
	defer w.kafkaFault.Unlock()
	i, away := random.IntN(len(w.toKafka)), between(random, time.Second, 5*time.Second)
	w.kafka.Kill(i)
	_ = retry.Pause(ctx, away)
	return fmt.Sprintf("broker %d, back after %s", i+1, away), w.kafka.Start(i)
}

// kafkaAway refuses all connections for so long that the spools, and a small one's disk, fill.
func kafkaAway(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	w.kafkaFault.Lock()
	defer w.kafkaFault.Unlock()
	away := between(random, 6*time.Second, 12*time.Second)
	for _, p := range w.toKafka {
		p.Refuse(true)
		p.Cut()
	}
	_ = retry.Pause(ctx, away)
	for _, p := range w.toKafka {
		p.Refuse(false)
	}
	return fmt.Sprintf("for %s", away), nil
}

// killClickHouse makes inserts slow first, so that one is under way when it is killed.
func killClickHouse(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	w.clickhouseFault.Lock()
	defer w.clickhouseFault.Unlock()
	w.clickhouse.mu.Lock()
	defer w.clickhouse.mu.Unlock()
	w.toClickHouse.Delay(150 * time.Millisecond)
	_ = retry.Pause(ctx, between(random, 500*time.Millisecond, 2*time.Second))
	err := w.kill(w.clickhouse)
	w.toClickHouse.Delay(0)
	if err != nil {
		return "", err
	}
	away := between(random, 0, 4*time.Second)
	_ = retry.Pause(ctx, away)
	return fmt.Sprintf("back after %s", away), w.revive(ctx, w.clickhouse)
}

func freezeClickHouse(ctx context.Context, w *world, random *rand.Rand) (string, error) {
	w.clickhouseFault.Lock()
	defer w.clickhouseFault.Unlock()
	w.clickhouse.mu.Lock()
	defer w.clickhouse.mu.Unlock()
	return freeze(ctx, w.clickhouse, between(random, 2*time.Second, 8*time.Second))
}

func cut(what string, proxies func(*world) []*faultproxy.Proxy) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		times := 1 + random.IntN(5)
		for range times {
			for _, p := range proxies(w) {
				p.Cut()
			}
			_ = retry.Pause(ctx, between(random, 50*time.Millisecond, 800*time.Millisecond))
		}
		return fmt.Sprintf("%s, %d times", what, times), nil
	}
}

// loseAnswers lets requests through and swallows what comes back, then cuts the connections: nobody knows what was done.
func loseAnswers(what string, proxies func(*world) []*faultproxy.Proxy) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		lasts := between(random, 200*time.Millisecond, 3*time.Second)
		for _, p := range proxies(w) {
			p.DropAnswers(true)
		}
		_ = retry.Pause(ctx, lasts)
		for _, p := range proxies(w) {
			p.DropAnswers(false)
			p.Cut()
		}
		return fmt.Sprintf("of %s for %s", what, lasts), nil
	}
}

// cutPartWay cuts every connection after so many bytes of what the client says, for a few seconds.
func cutPartWay(what string, proxies func(*world) []*faultproxy.Proxy, most int64) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		after, lasts := 100+random.Int64N(most), between(random, time.Second, 4*time.Second)
		for _, p := range proxies(w) {
			p.CutAfter(after)
			p.Cut()
		}
		_ = retry.Pause(ctx, lasts)
		for _, p := range proxies(w) {
			p.CutAfter(0)
			p.Cut()
		}
		return fmt.Sprintf("to %s after %d bytes, for %s", what, after, lasts), nil
	}
}

func slow(what string, proxies func(*world) []*faultproxy.Proxy) act {
	return func(ctx context.Context, w *world, random *rand.Rand) (string, error) {
		delay, lasts := between(random, 20*time.Millisecond, 300*time.Millisecond), between(random, 2*time.Second, 5*time.Second)
		for _, p := range proxies(w) {
			p.Delay(delay)
		}
		_ = retry.Pause(ctx, lasts)
		for _, p := range proxies(w) {
			p.Delay(0)
		}
		return fmt.Sprintf("to %s, %s each way, for %s", what, delay, lasts), nil
	}
}

// jumpClocks sets every client's clock off by up to two days either way, and leaves it so.
func jumpClocks(_ context.Context, w *world, random *rand.Rand) (string, error) {
	by := time.Duration(random.Int64N(int64(96*time.Hour))) - 48*time.Hour
	w.skew.Store(by.Milliseconds())
	return fmt.Sprintf("by %s", by.Round(time.Minute)), nil
}

func elect(ctx context.Context, w *world, _ *rand.Rand) (string, error) {
	w.kafkaFault.Lock()
	defer w.kafkaFault.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	moved, err := moveLeaders(ctx, w.kafka.Brokers(), rawTopic, enrichedTopic, deadTopic)
	return fmt.Sprintf("of %d partitions", moved), err
}
