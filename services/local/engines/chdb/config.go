package chdb

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Config says what to run. Native and HTTP are required; the engine gives them back when it is stopped.
type Config struct {
	// Library is the path of libchdb; see Find.
	Library string
	// Dir is made if missing and keeps everything: databases, tables, rows, and the settings that the engine was started with.
	Dir string
	// Log is the engine's own log: 10 MB at most, and an older part, compressed. Default Dir/clickhouse.log.
	Log string
	// Native and HTTP are where the engine listens, on the same host.
	Native, HTTP *Port
	// Users is a users file of ClickHouse as XML. Default: "default" without a password, who may do everything, from this machine
	// only unless the ports are open to others.
	Users string
	// MoreUsers is another users file, which is merged into Users, as a server's users.d is.
	MoreUsers string
	// Server is XML that comes into the server's settings, such as <remote_servers> or <macros>.
	Server string
}

const (
	configFile = "waymark-config.xml"
	usersFile  = "waymark-users.xml"
	// moreUsersFile lies where ClickHouse looks for what belongs to usersFile.
	moreUsersFile = "waymark-users.d/more.xml"
)

// defaultUsers is the users file with one user, "default", who has no password and may do everything from the given networks.
func defaultUsers(networks ...string) string {
	var ips strings.Builder
	for _, network := range networks {
		ips.WriteString("<ip>" + escape(network) + "</ip>")
	}
	return `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks>` + ips.String() + `</networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
    </default>
  </users>
</clickhouse>
`
}

// loopback are the networks of this machine.
var loopback = []string{"127.0.0.0/8", "::1"}

// write puts the files that the engine reads at its start into its folder.
func (c Config) write() error {
	native, web := c.Native.addr, c.HTTP.addr
	if !native.IP.Equal(web.IP) {
		return fmt.Errorf("ClickHouse listens on one host, not on %s and %s", native.IP, web.IP)
	}
	users := c.Users
	if users == "" {
		networks := loopback
		if !native.IP.IsLoopback() {
			networks = []string{"::/0"}
		}
		users = defaultUsers(networks...)
	}
	server := fmt.Sprintf(`<clickhouse>
  <listen_host>%s</listen_host>
  <tcp_port>%d</tcp_port>
  <http_port>%d</http_port>
  <listen_reuse_port>1</listen_reuse_port>
  <users_config>%s</users_config>
  <log-level>information</log-level>
  <logger>
    <log>%s</log>
    <size>10M</size>
    <count>1</count>
    <console>0</console>
  </logger>
%s
</clickhouse>
`, native.IP, native.Port, web.Port, escape(filepath.Join(c.Dir, usersFile)), escape(c.Log), c.Server)
	more := cmp.Or(c.MoreUsers, "<clickhouse/>")
	if err := os.MkdirAll(filepath.Dir(filepath.Join(c.Dir, moreUsersFile)), 0o700); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(c.Dir, configFile), []byte(server), 0o600),
		os.WriteFile(filepath.Join(c.Dir, usersFile), []byte(users), 0o600),
		os.WriteFile(filepath.Join(c.Dir, moreUsersFile), []byte(more), 0o600),
	)
}

// args are the command line of `clickhouse local`. It is interactive because version 26.7 ends at the first client that resets its
// connection when it is not; hence the terminal on standard input, and no file for what is typed there.
func (c Config) args() []string {
	return []string{
		"clickhouse", "--interactive", "--disable_suggestion", "--history_file=/dev/null",
		"--path=" + c.Dir, "--config-file=" + filepath.Join(c.Dir, configFile),
		"--query", "SYSTEM START LISTEN QUERIES ALL",
	}
}

func escape(s string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(s)) // a Builder does not fail
	return out.String()
}
