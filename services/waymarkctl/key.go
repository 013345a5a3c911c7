package waymarkctl

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/waymark-events/waymark/pkg/account"
)

type keyCommand struct {
	New  keyNewCommand  `cmd:"" help:"Make a write key: print it, once, and the lines for the accounts file."`
	Hash keyHashCommand `cmd:"" help:"Print the lines for the accounts file of a write key that is read from standard input."`
}

type keyNewCommand struct {
	Account string `arg:"" help:"The account's id."`
	Scope   string `help:"browser: for pages, and public; server: secret; any: both, for trials." enum:"browser,server,any" default:"browser"`
}

// keyBytes are a key's random ones. With so many there is nothing to guess, and a plain hash of it needs no salt.
const keyBytes = 24

// accountPattern is that of pkg/account: what is printed is pasted.
var accountPattern = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// Run keeps nothing: who loses the key makes another.
func (c *keyNewCommand) Run(env *environment) error {
	if !accountPattern.MatchString(c.Account) {
		return errors.New("ACCOUNT: want 1–64 characters of a–z, 0–9, '-', '_'")
	}
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("random bytes: %w", err)
	}
	key := "wk_" + base64.RawURLEncoding.EncodeToString(random)
	_, err := fmt.Fprintf(env.stdout, "%s\n\nThis is the key, and it is kept nowhere: note it now. In the accounts file, under account %s:\n\n%s", key, c.Account, keyLines(key, c.Scope))
	return err
}

type keyHashCommand struct {
	Scope string `help:"browser, server or any." enum:"browser,server,any" default:"browser"`
}

// shortKey is up to what length somebody may have thought a key up.
const shortKey = 24

// Run reads the key from standard input, since command lines are seen by others and kept by shells.
func (c *keyHashCommand) Run(env *environment) error {
	text, err := bufio.NewReader(io.LimitReader(env.stdin, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the key: %w", err)
	}
	key := strings.TrimRight(text, "\r\n")
	if !account.ValidKey(key) {
		return errors.New("want a write key on standard input: 8–128 characters of A–Z, a–z, 0–9, '_', '.', '~', '-'")
	}
	if len(key) < shortKey {
		fmt.Fprintln(env.stderr, "waymarkctl: that key is short: who has the file can guess it from its hash, unless it is random")
	}
	_, err = io.WriteString(env.stdout, keyLines(key, c.Scope))
	return err
}

func keyLines(key, scope string) string {
	return fmt.Sprintf("    keys:\n      - {sha256: %s, scope: %s}\n", account.HashKey(key), scope)
}
