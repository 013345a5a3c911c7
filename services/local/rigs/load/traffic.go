package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// Traffic is what a sender posts to an edge.
type Traffic struct {
	// Edge is its host:port.
	Edge    string
	Senders []demo.Account
	Seed    uint64
	// Events is how many are sent.
	Events int
	// Rate is events/s; 0 sends as fast as the edge takes them.
	Rate float64
	// Day lets the rate follow a day's curve, of which Rate is the mean, from night to night in the time that Events take.
	Day bool
}

// Sent is what a sender did and took.
type Sent struct {
	Accepted, Rejected, Retries, Requests int64
	Refusal                               string
	// Seconds from the first request to the last answer.
	Seconds float64
	Cost    Cost
}

// head is how long before its first event a paced sender is told to start.
const head = 500 * time.Millisecond

// Send makes its traffic ready, writes a line, waits for one, sends, and writes Sent as JSON: it is a process of its own, so that what it takes
// is charged to nobody else.
func Send(ctx context.Context, t Traffic, in io.Reader, out io.Writer) error {
	spans, err := t.spans()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	if _, err := bufio.NewReader(in).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the word to send: %w", err)
	}
	sender := demo.NewSender("http://"+t.Edge, connections)
	defer sender.Close()
	requests := &counting{next: sender.Client.Transport}
	sender.Client.Transport = requests
	before, err := self()
	if err != nil {
		return err
	}
	begin, counts := time.Now(), new(demo.Counts)
	for _, s := range spans {
		plan := demo.Plan{Events: s.events, Connections: connections, Fast: t.Rate == 0}
		if err := demo.Drive(ctx, s.traffic, sender, plan, counts); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	sent := Sent{
		Accepted: counts.Accepted.Load(), Rejected: counts.Rejected.Load(), Retries: counts.Retries.Load(), Requests: requests.n.Load(),
		Refusal: counts.Refusal(), Seconds: time.Since(begin).Seconds(),
	}
	after, err := self()
	if err != nil {
		return err
	}
	sent.Cost = after.minus(before)
	return json.NewEncoder(out).Encode(sent)
}

// A span is a part of the traffic that has one rate.
type span struct {
	traffic demo.Source
	events  int
}

// hours of a day in miniature.
const hours = 24

// spans prepares the traffic. What is sent as fast as possible bears times within the last hour, a whole visit is one request, and it is made
// beforehand: clients make their own, each on a machine of its own.
func (t Traffic) spans() (out []span, err error) {
	if t.Rate == 0 {
		const hour = time.Hour
		g, err := demo.NewGenerator(demo.Options{
			Seed: t.Seed, Start: time.Now().Add(-hour), Rate: float64(t.Events) / hour.Seconds(), Accounts: t.Senders, Flush: hour,
		})
		if err != nil {
			return nil, err
		}
		stock, err := demo.NewStock(g, t.Events)
		return []span{{stock, t.Events}}, err
	}
	parts := []float64{1}
	if t.Day {
		parts = dayCurve()
	}
	whole := time.Duration(float64(t.Events) / t.Rate * float64(time.Second))
	length := whole / time.Duration(len(parts))
	start := time.Now().Add(head)
	for i, part := range parts {
		g, err := demo.NewGenerator(demo.Options{
			Seed: t.Seed + uint64(i), Start: start.Add(time.Duration(i) * length), Rate: t.Rate * part, Accounts: t.Senders, Flush: flush,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, span{g, int(t.Rate * part * length.Seconds())})
	}
	return out, nil
}

// flush is how long a client of paced traffic gathers events, as recorders do.
const flush = 5 * time.Second

// dayCurve is each hour's share of the mean rate: a fifth of the noon's at night, as a working day of one continent has it.
func dayCurve() (out []float64) {
	var sum float64
	for h := range hours {
		at := 0.6 - 0.4*math.Cos(2*math.Pi*(float64(h)+0.5)/hours)
		out, sum = append(out, at), sum+at
	}
	for h := range out {
		out[h] *= hours / sum
	}
	return out
}

type counting struct {
	next http.RoundTripper
	n    atomic.Int64
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(req)
}

// self is what this process took.
func self() (c Cost, err error) {
	u, err := child.UsageOf(os.Getpid())
	if err != nil {
		return c, err
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	u.Mallocs, u.Allocated = float64(memory.Mallocs), float64(memory.TotalAlloc)
	c.add(u)
	return c, nil
}

// A sender is a process that sends when it is told to.
type sender struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// sender starts one that is ready to send. It ends after it has sent, or with this process, which holds the other end of its input.
func (r *rig) sender(ctx context.Context, events int, rate float64, day bool) (*sender, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the sender: %w", err)
	}
	r.seed++ // other events each time, or they would be repetitions
	cmd := exec.CommandContext(ctx, program, "traffic", "--edge", r.edgeDoor, "--accounts", r.cfg.Accounts, "--account", r.cfg.Senders[0].ID,
		"--events", strconv.Itoa(events), "--demo", strconv.FormatFloat(rate, 'f', -1, 64), "--seed", strconv.FormatUint(r.cfg.Seed+r.seed, 10),
		"--day="+strconv.FormatBool(day))
	cmd.Stderr = os.Stderr
	s := &sender{cmd: cmd}
	out, err := cmd.StdoutPipe()
	if err == nil {
		s.in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the sender: %w", err)
	}
	s.out = bufio.NewReader(out)
	if _, err := s.out.ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("the sender is not ready: %w", err), cmd.Wait())
	}
	return s, nil
}

// send has it send and waits until everything is answered. A refused event is an error.
func (s *sender) send() (sent Sent, err error) {
	_, err = io.WriteString(s.in, "go\n")
	if err == nil {
		err = json.NewDecoder(s.out).Decode(&sent)
	}
	if err = errors.Join(err, s.in.Close(), s.cmd.Wait()); err != nil {
		return sent, fmt.Errorf("the sender: %w", err)
	}
	if sent.Rejected > 0 {
		return sent, fmt.Errorf("the edge refused %d events: %s", sent.Rejected, sent.Refusal)
	}
	return sent, nil
}
