// Package attack keeps the production edge under attack, with honest clients beside the attackers, and says what the honest ones noticed and
// what it took. Everything stays on the loopback interface.
package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/broker"
	"github.com/waymark-events/waymark/services/local/rigs/certificate"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// Config says what to run.
type Config struct {
	// Binaries is the folder of waymark-edge.
	Binaries string
	// Duration of the attack; honest clients alone are measured for a quarter of it before, at most half a minute.
	Duration time.Duration
	// Rate is how many requests a second honest clients send.
	Rate int
	// Within is the most that the honest 99th percentile may be during the attack. 0 is twice what it was before, and 100 ms: what is aimed at.
	Within time.Duration
	// Only these kinds of attack are made, those whose names have one of the words; none is all.
	Only []string
}

// attacks are the kinds that are made.
func (c Config) attacks() (out []attack) {
	for _, a := range all {
		if len(c.Only) == 0 || slices.ContainsFunc(c.Only, func(word string) bool { return strings.Contains(a.name, word) }) {
			out = append(out, a)
		}
	}
	return out
}

// Run attacks, prints two tables, and returns an error when the edge did not hold.
func Run(ctx context.Context, cfg Config, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "waymark-attack-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kafka, err := broker.Start(broker.Config{Address: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer kafka.Close()
	// Nobody reads what is stored: it is not to fill this process.
	if err := kafka.CreateTopic(schemas.RawTopic("us"), 4, map[string]string{"retention.bytes": "16777216", "segment.bytes": "4194304"}); err != nil {
		return fmt.Errorf("make the raw topic: %w", err)
	}
	keeping, stopKeeping := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { kafka.Keep(keeping) })
	defer kept.Wait()
	defer stopKeeping()
	d, edge, err := open(ctx, cfg, dir, kafka.Address())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, edge.Stop()) }()

	address, control, err := startControl(ctx, dir)
	if err != nil {
		return err
	}
	d.Control = address
	defer func() { err = errors.Join(err, control.Stop()) }()

	fmt.Fprintf(out, "Honest clients alone, %d requests/s …\n", cfg.Rate)
	result := &report{within: cfg.Within}
	if result.began, err = edge.Usage(); err != nil {
		return fmt.Errorf("what the edge uses: %w", err)
	}
	quiet := min(cfg.Duration/4, 30*time.Second)
	if result.before, err = d.honest(ctx, quiet, cfg.Rate); err != nil {
		return err
	}
	if result.quiet, err = edge.Usage(); err != nil {
		return fmt.Errorf("what the edge uses: %w", err)
	}
	fmt.Fprintf(out, "… and now beside %d kinds of attack for %s.\n\n", len(cfg.attacks()), cfg.Duration)
	if result.during, result.seen, err = d.underAttack(ctx, cfg); err != nil {
		return err
	}
	if err := edge.Alive(); err != nil {
		return err
	}
	if result.after, err = edge.Usage(); err != nil {
		return fmt.Errorf("what the edge uses: %w", err)
	}
	if result.panics, err = edge.Metric("waymark_edge_panics_total"); err != nil {
		return err
	}
	result.print(out)
	return errors.Join(edge.Alive(), result.judge())
}

// A door is where the edge listens, with what opens it.
type door struct {
	Plain, Secure string // addresses
	Control       string // that of a server that nobody attacks
	PEM           certificate.PEM
}

// The keys of two accounts.
const (
	honestKey  = "wk_attack_honest_0123456789"
	hostileKey = "wk_attack_hostile_0123456789"
)

// open starts the edge with its default limits, a spool, and both ports.
func open(ctx context.Context, cfg Config, dir, kafka string) (*door, *child.Process, error) {
	accounts := filepath.Join(dir, "accounts.yaml")
	text := fmt.Sprintf("accounts:\n- {id: honest, region: us, keys: [{sha256: %s, scope: any}]}\n- {id: hostile, region: us, visitor_rate: 600, keys: [{sha256: %s, scope: any}]}\n",
		account.HashKey(honestKey), account.HashKey(hostileKey))
	if err := os.WriteFile(accounts, []byte(text), 0o600); err != nil {
		return nil, nil, fmt.Errorf("write the accounts: %w", err)
	}
	pem, err := certificate.New("attack")
	if err != nil {
		return nil, nil, err
	}
	certFile, keyFile, err := pem.Write(dir)
	if err != nil {
		return nil, nil, err
	}
	addresses, err := child.FreeAddresses(3)
	if err != nil {
		return nil, nil, err
	}
	edge := &child.Process{Name: "edge", Args: []string{filepath.Join(cfg.Binaries, "waymark-edge")}, Admin: addresses[2]}
	for name, value := range map[string]string{
		"LISTEN": addresses[0], "TLS_LISTEN": addresses[1], "TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile, "ADMIN": addresses[2], "ACCOUNTS": accounts,
		"REGIONS_US_KAFKA_BROKERS": kafka, "SPOOL_DIR": filepath.Join(dir, "spool"), "TIMEOUTS_LEAVE": "0s", "LOG_LEVEL": "warn",
	} {
		edge.Env = append(edge.Env, "WAYMARK_EDGE_"+name+"="+value)
	}
	if err := edge.Start(ctx, dir); err != nil {
		return nil, nil, err
	}
	if err := edge.Ready(ctx); err != nil {
		return nil, nil, errors.Join(err, edge.Kill())
	}
	return &door{Plain: addresses[0], Secure: addresses[1], PEM: pem}, edge, nil
}

// underAttack has honest clients send beside the attackers.
func (d *door) underAttack(ctx context.Context, cfg Config) (honest *traffic, seen []outcome, err error) {
	attackers, err := d.startAttackers(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	honest, err = d.honest(ctx, cfg.Duration, cfg.Rate)
	seen, failed := attackers.wait()
	return honest, seen, errors.Join(err, failed)
}

// memoryLimit is what the edge must stay below, by its own settings: twice what requests may hold, what decoders take a core, what connections
// take, and the program. See docs/configuration.md.
func memoryLimit() int64 {
	const inFlight, decoders, connections, program = 128 << 20, 32 << 20, 4096 * 20 << 10, 64 << 20
	return 2*inFlight + int64(runtime.NumCPU())*decoders + connections + program
}
