package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// AttackersCommand is the argument under which the rig's program is the attackers.
const AttackersCommand = "attackers"

// orders are what the attackers are told.
type orders struct {
	Door   *door
	Config Config
}

// An outcome is what became of an attack's tries.
type outcome struct {
	Name    string
	Tries   int
	Answers map[string]int

	mu sync.Mutex
}

// Attackers reads where to attack, attacks, and writes what came of it. It is a process of its own, with the least priority: the attackers' own
// work, which is elsewhere in truth, is not to be what honest clients wait for.
func Attackers(ctx context.Context, in io.Reader, out io.Writer) error {
	var o orders
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("read where to attack: %w", err)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("be least: %w", err)
	}
	prepare()
	if _, err := io.WriteString(out, readyLine); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Config.Duration)
	defer cancel()
	attacks := o.Config.attacks()
	seen := make([]outcome, len(attacks))
	var working sync.WaitGroup
	for i := range attacks {
		seen[i] = outcome{Name: attacks[i].name, Answers: make(map[string]int)}
		for range attacks[i].workers {
			// An address of its own for each kind: one client is never more than one client.
			a := &attacker{door: o.Door, host: byte(i + 2)}
			working.Go(func() { a.work(ctx, &attacks[i], &seen[i]) })
		}
	}
	working.Wait()
	return json.NewEncoder(out).Encode(seen)
}

// readyLine is written when the attack begins.
const readyLine = "ready\n"

// work tries until ctx ends.
func (a *attacker) work(ctx context.Context, how *attack, seen *outcome) {
	for ctx.Err() == nil {
		answer := how.try(ctx, a)
		a.n++
		seen.mu.Lock()
		seen.Tries++
		seen.Answers[answer]++
		seen.mu.Unlock()
		pause := time.NewTimer(how.every)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// A running process of attackers.
type running struct {
	cmd    *exec.Cmd
	out    *bytes.Buffer
	copied chan error
}

// startAttackers returns when they attack.
func (d *door) startAttackers(ctx context.Context, cfg Config) (*running, error) {
	told, err := json.Marshal(orders{d, cfg})
	if err != nil {
		return nil, fmt.Errorf("tell where to attack: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	r := &running{cmd: exec.CommandContext(ctx, program, AttackersCommand), out: new(bytes.Buffer), copied: make(chan error, 1)}
	r.cmd.Stdin, r.cmd.Stderr = bytes.NewReader(told), os.Stderr
	pipe, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the attackers: %w", err)
	}
	begun := make([]byte, len(readyLine))
	if _, err := io.ReadFull(pipe, begun); err != nil {
		return nil, errors.Join(fmt.Errorf("the attackers did not begin: %w", err), r.cmd.Wait())
	}
	go func() { // ends with the process
		_, err := r.out.ReadFrom(pipe)
		r.copied <- err
	}()
	return r, nil
}

// wait returns what the attackers saw.
func (r *running) wait() (seen []outcome, err error) {
	err = errors.Join(<-r.copied, r.cmd.Wait())
	if err == nil {
		err = json.Unmarshal(r.out.Bytes(), &seen)
	}
	if err != nil {
		return nil, fmt.Errorf("the attackers: %w", err)
	}
	return seen, nil
}

// prepare makes what is sent, which takes longer than to send it.
func prepare() {
	bombs()
	members()
	values()
	names()
	shapes()
	wires()
}
