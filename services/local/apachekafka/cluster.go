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

	"github.com/waymark-events/waymark/services/local/child"
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
	c, err := Run(t.TempDir(), nodes, nil)
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
	return run(dir, 1, nil, true)
})

// Brokers returns the addresses that the nodes tell clients.
func (c *Cluster) Brokers() []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.advertised)
	}
	return out
}

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

// Stop kills every node.
func (c *Cluster) Stop() {
	for _, n := range c.nodes {
		n.kill()
	}
}

// Run runs a cluster of so many nodes, with everything they keep in dir, until Stop. advertise, unless nil, is asked for the
// address that clients and other brokers are told in place of a node's own. A cluster that comes with an error must be stopped.
func Run(dir string, nodes int, advertise func(node int, address string) (string, error)) (*Cluster, error) {
	return run(dir, nodes, advertise, false)
}

func run(dir string, count int, advertise func(int, string) (string, error), removeDir bool) (*Cluster, error) {
	classpath, err := jars()
	if err != nil {
		return nil, err
	}
	addresses, err := child.FreeAddresses(2 * count) // Kafka must be told its ports before it listens
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	c := new(Cluster)
	var voters []string
	for i := range count {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, addresses[count+i]))
	}
	for i := range count {
		n := &node{id: i + 1, dir: filepath.Join(dir, fmt.Sprint("node", i+1)), classpath: classpath, address: addresses[i], advertised: addresses[i], controller: addresses[count+i]}
		if advertise != nil {
			if n.advertised, err = advertise(i, n.address); err != nil {
				return nil, fmt.Errorf("advertise Apache Kafka's node %d: %w", n.id, err)
			}
		}
		if removeDir {
			n.remove = dir
		}
		if err := n.prepare(voters); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
	}
	clusterID := base64.RawURLEncoding.EncodeToString(id[:])
	for _, n := range c.nodes {
		if err := n.format(clusterID); err != nil {
			return nil, err
		}
	}
	for _, n := range c.nodes {
		if err := n.run(); err != nil {
			return c, err
		}
	}
	return c, c.ready()
}

// end kills every node and prints the logs when the test failed.
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
			return fmt.Errorf("%w (last answer: %v)", ctx.Err(), err)
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
