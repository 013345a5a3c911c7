// Package apachekafka runs Apache Kafka's own broker: KRaft nodes, each a Java process on loopback with the jars that
// `make apache-kafka` fetched. It needs Java 17.
package apachekafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

// startTimeout is generous: three JVMs may start at once on a machine that is busy with tests.
const startTimeout = 2 * time.Minute

// A Cluster is a running set of brokers, each also a controller.
type Cluster struct {
	nodes []*node
}

// Start runs a cluster until the test ends. When the test failed, the nodes' logs are printed.
func Start(t testing.TB, nodes int) *Cluster {
	t.Helper()
	return startFor(t, nodes, options{})
}

// StartWith is Start with brokers that have these settings too, name=value each.
func StartWith(t testing.TB, nodes int, settings ...string) *Cluster {
	t.Helper()
	return startFor(t, nodes, options{settings: settings})
}

// StartProxied is Start with a proxy before each node: Brokers names the proxies, and the nodes advertise them to clients. Among
// themselves the nodes talk without.
func StartProxied(t testing.TB, nodes int) *Cluster {
	t.Helper()
	return startFor(t, nodes, options{proxied: true})
}

// StartAdvertising starts one node with two listeners. At listening clients are told that the node is at advertised; at address they are
// told the truth.
func StartAdvertising(t testing.TB, advertised string) (listening, address string) {
	t.Helper()
	n := startFor(t, 1, options{advertised: advertised}).nodes[0]
	return n.forClients, n.address
}

func startFor(t testing.TB, nodes int, o options) *Cluster {
	t.Helper()
	c, err := run(t.TempDir(), nodes, o)
	if c != nil {
		t.Cleanup(func() { c.end(t) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Shared returns the address of one single node that all tests of the process use; it dies with the process.
func Shared(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c.nodes[0].address
}

var shared = sync.OnceValues(func() (*Cluster, error) {
	dir, err := os.MkdirTemp("", "waymark-apachekafka-")
	if err != nil {
		return nil, fmt.Errorf("make the brokers' directory: %w", err)
	}
	return run(dir, 1, options{removeDir: true})
})

// Brokers returns the addresses where clients find the nodes.
func (c *Cluster) Brokers() []string {
	var out []string
	for _, n := range c.nodes {
		if n.proxy != nil {
			out = append(out, n.proxy.Addr())
		} else {
			out = append(out, n.address)
		}
	}
	return out
}

// Proxy returns what stands before node i (from 0); nil unless the cluster was started with StartProxied.
func (c *Cluster) Proxy(i int) *faultproxy.Proxy { return c.nodes[i].proxy }

// Kill ends node i (from 0) as kill -9 does.
func (c *Cluster) Kill(i int) { c.nodes[i].kill() }

// Restart starts node i again and waits until the cluster knows it.
func (c *Cluster) Restart(t testing.TB, i int) {
	t.Helper()
	if err := c.Start(i); err != nil {
		t.Fatal(err)
	}
}

// Start starts node i again, after Kill, and waits until the nodes that run know each other.
func (c *Cluster) Start(i int) error {
	if err := c.nodes[i].run(); err != nil {
		return err
	}
	return c.ready()
}

// Stop kills every node, and closes what stands before it.
func (c *Cluster) Stop() {
	for _, n := range c.nodes {
		n.kill()
		if n.proxy != nil {
			_ = n.proxy.Close() // it has nothing to lose
		}
	}
}

// Run runs a cluster of so many nodes, a proxy before each, with everything they keep in dir, until Stop. A cluster that comes
// with an error must be stopped.
func Run(dir string, nodes int) (*Cluster, error) { return run(dir, nodes, options{proxied: true}) }

type options struct {
	// proxied puts a proxy before each node.
	proxied bool
	// removeDir deletes the directory when the nodes are gone, whoever survives.
	removeDir bool
	// advertised is where the nodes tell clients to go, empty for the proxy or where they listen.
	advertised string
	// settings are more of the brokers' settings, name=value each.
	settings []string
}

func run(dir string, count int, o options) (*Cluster, error) {
	classpath, err := jars()
	if err != nil {
		return nil, err
	}
	addresses, err := child.FreeAddresses(3 * count) // Kafka must be told its ports before it listens
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	id[0] &= 0x7f           // its text must not begin with "-", which the storage tool takes for a flag
	c := new(Cluster)
	var voters []string
	for i := range count {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, addresses[count+i]))
	}
	for i := range count {
		n := &node{id: i + 1, dir: filepath.Join(dir, fmt.Sprint("node", i+1)), classpath: classpath, address: addresses[i], controller: addresses[count+i], more: o.settings, advertised: o.advertised}
		if o.removeDir {
			n.remove = dir
		}
		c.nodes = append(c.nodes, n)
		if o.proxied || o.advertised != "" {
			n.forClients = addresses[2*count+i]
		}
		if o.proxied {
			if n.proxy, err = faultproxy.Listen(n.forClients); err != nil {
				return c, err
			}
			n.advertised = n.proxy.Addr()
		}
		if err := n.prepare(voters); err != nil {
			return c, err
		}
	}
	clusterID := base64.RawURLEncoding.EncodeToString(id[:])
	for _, n := range c.nodes {
		if err := n.format(clusterID); err != nil {
			return c, err
		}
	}
	for _, n := range c.nodes {
		if err := n.run(); err != nil {
			return c, err
		}
	}
	return c, c.ready()
}

// end stops the cluster and prints the logs when the test failed.
func (c *Cluster) end(t testing.TB) {
	c.Stop()
	for _, n := range c.nodes {
		if t.Failed() {
			t.Logf("log of node %d:\n%s", n.id, n.tail())
		}
	}
}

// ready waits until every node that runs knows of all that do.
func (c *Cluster) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var running []*node
	for _, n := range c.nodes {
		if n.runs() {
			running = append(running, n)
		}
	}
	for _, n := range running {
		if err := n.waitReady(ctx, len(running)); err != nil {
			return fmt.Errorf("the node %d of Apache Kafka is not ready: %w; its log ends:\n%s", n.id, err, n.tail())
		}
	}
	return nil
}

// waitReady asks the node for its brokers until there are as many as wanted.
func (n *node) waitReady(ctx context.Context, brokers int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(n.address))
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	defer client.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client.SeedBrokers()[0])
		if err == nil && len(answer.Brokers) == brokers {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", ctx.Err(), err)
		case <-n.dead:
			return fmt.Errorf("the process ended")
		case <-tick.C:
		}
	}
}

// jars lists what make apache-kafka fetched, as a class path.
func jars() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the checkout: no go.work above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	found, err := filepath.Glob(filepath.Join(dir, ".cache", "kafka", "*.jar"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no jars of Apache Kafka in .cache/kafka: run make apache-kafka")
	}
	return strings.Join(found, string(os.PathListSeparator)), nil
}
