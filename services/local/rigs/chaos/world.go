package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
	"github.com/waymark-events/waymark/services/local/rigs/operator"
)

// region is the one under test; its account's write key is accountKey.
const (
	region     = "us"
	database   = "waymark_us"
	accountKey = "wk_chaos"
)

const accounts = `accounts:
  - {id: chaos, name: Chaos, region: us, write_keys: [wk_chaos], policy: {identification: variable, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher, scrubbing: {off: true, keep_query: ['*']}}}
`

// A world is everything that runs: the engines behind proxies, and the services as production has them, each a process.
type world struct {
	cfg Config
	dir string
	log *zap.Logger

	kafka      cluster
	client     *kafka.Client
	operator   *operator.Operator
	clickhouse *member
	web        string // ClickHouse's HTTP, without a proxy
	edges      []*member
	enrichers  []*member
	sinks      []*member

	// skew is added to the clients' clocks, milliseconds.
	skew *atomic.Int64

	toKafka      []*faultproxy.Proxy
	toClickHouse *faultproxy.Proxy
	toEdges      []*faultproxy.Proxy
	// spoolDisk is where a small disk of the second edge's spool is mounted; empty when this user may not mount.
	spoolDisk string

	// kafkaFault and clickhouseFault are held by the one fault that an engine suffers at a time, identity by the one of its kind, and
	// enricherCrew and sinkCrew by one that adds members or needs to know them all. They are taken in this order: identity, a crew, an
	// engine's, a member's own.
	identity, enricherCrew, sinkCrew, kafkaFault, clickhouseFault sync.Mutex
	// waiting counts the faults that wait for another one of their kind.
	waiting atomic.Int64
	// forgetful is set once an enriched topic was made anew: the enrichers' memory of what clients sent lay on it.
	forgetful atomic.Bool
	// quiet is locked while no client may send.
	quiet *sync.RWMutex

	mu sync.Mutex
	// deaths are ends that nobody caused.
	deaths []string
	// tolerated is what sinks may stop themselves for now, nil for nothing.
	tolerated *tolerance
	peaks     map[string]int64 // bytes by kind of service
}

// A member is one process. Whoever harms it holds mu, and leaves it running.
type member struct {
	mu sync.Mutex
	*child.Process
	kind string
}

// A tolerance is for what sinks may stop themselves: each sentence that says one of these. stops counts them.
type tolerance struct {
	says  []string
	stops atomic.Int64
	met   bool // by an insert
}

// start brings the whole world up.
func (w *world) start(ctx context.Context) (err error) {
	w.peaks = map[string]int64{}
	binary := filepath.Join(w.cfg.Binaries, "waymark-local")
	if w.cfg.ApacheKafka {
		w.kafka, err = startApache(ctx, w.dir, region, &w.toKafka)
	} else {
		w.kafka, err = startEmbedded(ctx, binary, w.dir, &w.toKafka)
	}
	if err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	if w.client, err = newKafka(w.kafka.Brokers()); err != nil {
		return err
	}
	if w.operator, err = operator.New(w.kafka.Brokers()...); err != nil {
		return err
	}
	if err := w.startClickHouse(ctx, binary); err != nil {
		return err
	}
	if err := os.WriteFile(w.accounts(), []byte(accounts), 0o600); err != nil {
		return fmt.Errorf("write the accounts: %w", err)
	}
	for n := range w.cfg.Members {
		if err := w.addEdge(ctx); err != nil {
			return err
		}
		enricher, err := w.enricher(ctx, n+1)
		if err != nil {
			return err
		}
		w.enrichers = append(w.enrichers, enricher)
		sink, err := w.sink(ctx, n+1)
		if err != nil {
			return err
		}
		w.sinks = append(w.sinks, sink)
	}
	return nil
}

func (w *world) accounts() string { return filepath.Join(w.dir, "accounts.yaml") }

func (w *world) startClickHouse(ctx context.Context, binary string) error {
	addresses, err := child.FreeAddresses(2)
	if err != nil {
		return err
	}
	w.web = addresses[1]
	w.clickhouse = &member{kind: "ClickHouse", Process: &child.Process{
		Name: "clickhouse", Says: "is ready",
		Args: []string{binary, "clickhouse", "--data=" + filepath.Join(w.dir, "clickhouse-data"), "--clickhouse-native=" + addresses[0], "--clickhouse-http=" + addresses[1]},
	}}
	if w.toClickHouse, err = faultproxy.Listen(addresses[0]); err != nil {
		return err
	}
	if err := w.bringUp(ctx, w.clickhouse); err != nil {
		return err
	}
	return w.keepDoubles(ctx)
}

// keepDoubles takes the tables' merging of repeated rows away for the run: a row stored twice is seen for ever, whatever merges
// do. Everything else about the tables stays.
func (w *world) keepDoubles(ctx context.Context) error {
	for _, table := range []string{"events", "dead_events"} {
		made, err := w.sql(ctx, "SELECT create_table_query FROM system.tables WHERE database = '"+database+"' AND name = '"+table+"' FORMAT TSVRaw")
		if err != nil {
			return err
		}
		plain := strings.NewReplacer("ReplacingMergeTree(epoch)", "MergeTree", "ReplacingMergeTree", "MergeTree").Replace(made)
		if plain == made {
			return fmt.Errorf("table %s is not the expected ReplacingMergeTree: %s", table, made)
		}
		for _, statement := range []string{"DROP TABLE " + database + "." + table + " SYNC", plain} {
			if _, err := w.sql(ctx, statement); err != nil {
				return err
			}
		}
	}
	return nil
}

// sql asks ClickHouse over HTTP.
func (w *world) sql(ctx context.Context, statement string) (string, error) {
	at := url.URL{Scheme: "http", Host: w.web, Path: "/", RawQuery: url.Values{"database": {database}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(statement))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask ClickHouse: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("ask ClickHouse: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ClickHouse answers %.300s to %.100s", text, statement)
	}
	return string(text), nil
}

func (w *world) addEdge(ctx context.Context) error {
	addresses, err := child.FreeAddresses(1)
	if err != nil {
		return err
	}
	proxy, err := faultproxy.Listen(addresses[0])
	if err != nil {
		return err
	}
	n := len(w.edges) + 1
	spool := filepath.Join(w.dir, fmt.Sprint("spool", n))
	if n == 2 && w.cfg.SpoolBytes == 0 {
		w.mountSpool(spool)
	}
	settings := map[string]string{
		"LISTEN": addresses[0], "ACCOUNTS": w.accounts(), "REGIONS_US_KAFKA_BROKERS": w.brokers(),
		"SPOOL_DIR": spool, "PRODUCER_TIMEOUT": "5s", "TIMEOUTS_DRAIN": "8s",
	}
	if w.cfg.SpoolBytes > 0 {
		settings["SPOOL_BYTES"] = fmt.Sprint(w.cfg.SpoolBytes)
	}
	m, err := w.service(ctx, "edge", n, settings)
	w.edges, w.toEdges = append(w.edges, m), append(w.toEdges, proxy)
	return err
}

// mountSpool gives a spool a disk that is soon full, where this user may mount one.
func (w *world) mountSpool(dir string) {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = mount(dir)
	}
	if err != nil {
		w.log.Info("no small disk for a spool", zap.Error(err))
		return
	}
	w.spoolDisk = dir
}

func (w *world) enricher(ctx context.Context, n int) (*member, error) {
	return w.service(ctx, "enricher", n, map[string]string{
		"REGION": region, "ACCOUNTS": w.accounts(), "KAFKA_BROKERS": w.brokers(),
		"GROUP_SESSION_TIMEOUT": "6s", "GROUP_REBALANCE_TIMEOUT": "10s",
	})
}

// The first sink joins its partitions' batches and the second does not, so that each completes what the other has left.
func (w *world) sink(ctx context.Context, n int) (*member, error) {
	return w.service(ctx, "sink", n, map[string]string{
		"REGION": region, "KAFKA_BROKERS": w.brokers(), "CLICKHOUSE_ADDRESSES": w.toClickHouse.Addr(), "CLICKHOUSE_DATABASE": database,
		"GROUP_SESSION_TIMEOUT": "6s", "GROUP_REBALANCE_TIMEOUT": "10s", "BATCH_DRAIN": "8s", "CLICKHOUSE_REQUEST_TIMEOUT": "15s",
		"BATCH_JOINT": strconv.FormatBool(n == 1),
	})
}

func (w *world) brokers() string { return strings.Join(w.kafka.Brokers(), ",") }

// service starts one production binary with settings by environment and waits until it is ready.
func (w *world) service(ctx context.Context, kind string, n int, settings map[string]string) (*member, error) {
	admin, err := child.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	settings["ADMIN"] = admin[0]
	m := &member{kind: kind, Process: &child.Process{
		Name: fmt.Sprint(kind, n), Args: []string{filepath.Join(w.cfg.Binaries, "waymark-"+kind)}, Admin: admin[0],
	}}
	for name, value := range settings {
		m.Env = append(m.Env, "WAYMARK_"+strings.ToUpper(kind)+"_"+name+"="+value)
	}
	return m, w.bringUp(ctx, m)
}

func (w *world) bringUp(ctx context.Context, m *member) error {
	if err := m.Start(ctx, w.dir); err != nil {
		return err
	}
	return m.Ready(ctx)
}

// kill ends a member as kill -9 does.
func (w *world) kill(m *member) error {
	w.measure(m)
	if err := m.Alive(); err != nil {
		w.ended(m, err)
		return nil
	}
	return m.Kill()
}

// stopOne ends a member in order.
func (w *world) stopOne(ctx context.Context, m *member) {
	w.measure(m)
	// One that was started just now, by the fault before, may not listen for signals yet.
	err := w.until(ctx, m.Name+" answers", func(context.Context) (bool, error) {
		_, err := m.Metric("go_goroutines")
		return err == nil || m.Alive() != nil, err
	})
	if err == nil {
		err = m.Alive()
	}
	if err == nil {
		err = m.Stop()
	}
	if err != nil {
		w.ended(m, err)
	}
}

// await locks what another fault may hold. The clients slow down meanwhile: else the faults that wait would come when all is sent.
func (w *world) await(lock *sync.Mutex) {
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	lock.Lock()
}

// revive starts a member again and waits until it runs: a service that waits for an engine which is away is not ready, and need
// not be.
func (w *world) revive(ctx context.Context, m *member) error {
	if m.kind == "ClickHouse" {
		return w.bringUp(ctx, m)
	}
	return m.Start(ctx, w.dir)
}

// ended notes that m was found ended, or ended badly.
func (w *world) ended(m *member, err error) {
	if !w.stopsForGoodReason(m, err) {
		w.died(err)
	}
}

// died notes an end that nobody caused.
func (w *world) died(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaths = append(w.deaths, err.Error())
	w.log.Error("a process ended by itself", zap.Error(err))
}

// measure notes the memory that m took.
func (w *world) measure(m *member) {
	u, err := m.Usage()
	if err != nil && u.Peak == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peaks[m.kind] = max(w.peaks[m.kind], u.Peak)
}

func (w *world) services() []*member {
	out := append([]*member{}, w.edges...)
	return append(append(out, w.enrichers...), w.sinks...)
}

// supervise notes, and starts again, what ended by itself.
func (w *world) supervise(ctx context.Context) {
	for retry.Pause(ctx, time.Second) == nil {
		for _, m := range append(w.services(), w.clickhouse) {
			if !m.mu.TryLock() {
				continue // somebody is at it
			}
			if err := m.Alive(); err != nil {
				w.ended(m, err)
				if err := w.revive(ctx, m); err != nil {
					w.died(err)
				}
			}
			w.measure(m)
			m.mu.Unlock()
		}
	}
}

// stop ends everything, the services by SIGTERM: they must end well.
func (w *world) stop() error {
	var errs []error
	for _, m := range w.services() {
		if m != nil {
			errs = append(errs, m.Stop())
		}
	}
	if w.clickhouse != nil {
		errs = append(errs, w.clickhouse.Stop())
	}
	if w.operator != nil {
		w.operator.Close()
	}
	if w.client != nil {
		errs = append(errs, w.client.Close())
	}
	if w.kafka != nil {
		w.kafka.Stop()
	}
	for _, p := range append(append(w.toEdges, w.toClickHouse), w.toKafka...) {
		if p != nil {
			_ = p.Close() // it has nothing to lose, and may be closed with its broker
		}
	}
	if w.spoolDisk != "" {
		errs = append(errs, unmount(w.spoolDisk))
	}
	return errors.Join(errs...)
}
