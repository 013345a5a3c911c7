package apachekafka

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/waymark-events/waymark/services/local/rigs/faultproxy"
)

//go:embed log4j2.properties
var logging []byte

// A node is one Java process, broker and controller.
type node struct {
	id                  int
	dir, classpath      string
	address, controller string
	// forClients, if not empty, is a listener that tells clients to go to advertised. With a proxy that is the proxy, which forwards to it.
	forClients, advertised string
	proxy                  *faultproxy.Proxy
	// more are settings of the test's own.
	more []string
	// remove is a directory to delete when the process is gone, whoever survives; empty for none.
	remove string

	lifeline io.Closer     // closing it kills the process
	dead     chan struct{} // closed when the process is gone
}

// prepare writes the node's settings. Internal topics are small, and rebalances do not wait for members still to come. Retention, which goes
// by the records' timestamps, is a topic's own affair: tests write records of years ago.
func (n *node) prepare(voters []string) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("make the node's directory: %w", err)
	}
	copies := min(3, len(voters))
	listeners, advertised := "PLAINTEXT://"+n.address, "PLAINTEXT://"+n.address
	if n.forClients != "" {
		listeners += ",CLIENT://" + n.forClients
		advertised += ",CLIENT://" + n.advertised
	}
	settings := fmt.Sprintf(`process.roles=broker,controller
node.id=%d
controller.quorum.voters=%s
listeners=%s,CONTROLLER://%s
advertised.listeners=%s
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENT:PLAINTEXT
log.dirs=%s
auto.create.topics.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=%d
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=%[7]d
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.enable=false
log.retention.ms=-1
%s
`, n.id, strings.Join(voters, ","), listeners, n.controller, advertised, filepath.Join(n.dir, "log"), copies, strings.Join(n.more, "\n"))
	if err := os.WriteFile(n.settings(), []byte(settings), 0o600); err != nil {
		return fmt.Errorf("write the node's settings: %w", err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, "log4j2.properties"), logging, 0o600); err != nil {
		return fmt.Errorf("write the node's log settings: %w", err)
	}
	return nil
}

func (n *node) settings() string { return filepath.Join(n.dir, "server.properties") }
func (n *node) log() string      { return filepath.Join(n.dir, "node.log") }

// java is a command line of Kafka's: a JVM that starts fast and stays small.
func (n *node) java(class string, args ...string) []string {
	return append([]string{
		"java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + filepath.Join(n.dir, "log4j2.properties"), "-cp", n.classpath, class,
	}, args...)
}

// format prepares the node's storage for the cluster.
func (n *node) format(clusterID string) error {
	args := n.java("kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", n.settings())
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the storage of Apache Kafka's node %d: %w\n%s", n.id, err, out)
	}
	return nil
}

// watch runs the broker beside a reader of standard input, whose end means that the test let go of it or is itself gone,
// killed perhaps: then the broker is killed. A broker never outlives its test.
const watch = `
remove=$1; shift
exec 3<&0
"$@" </dev/null &
broker=$!
(cat <&3 >/dev/null; kill -KILL $broker 2>/dev/null) &
wait $broker
test -z "$remove" || rm -rf "$remove"
`

// run starts the broker.
func (n *node) run() error {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the node's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("sh", append([]string{"-c", watch, "sh", n.remove}, n.java("kafka.Kafka", n.settings())...)...)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("make the node's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Apache Kafka's node %d: %w", n.id, err)
	}
	n.lifeline, n.dead = stdin, make(chan struct{})
	go func(dead chan struct{}) {
		defer close(dead)
		_ = cmd.Wait() // how a killed process ends says nothing
	}(n.dead)
	return nil
}

// runs tells whether the broker was started and is not gone.
func (n *node) runs() bool {
	if n.dead == nil {
		return false
	}
	select {
	case <-n.dead:
		return false
	default:
		return true
	}
}

// kill ends the broker and waits until it is gone.
func (n *node) kill() {
	if n.lifeline != nil {
		n.lifeline.Close()
		<-n.dead
	}
}

// tail returns the end of the node's log.
func (n *node) tail() string {
	const most = 8 << 10
	data, err := os.ReadFile(n.log())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
