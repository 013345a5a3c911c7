//go:build unix

package chdb

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Port is an address that is kept for an engine, also while no engine runs: nobody is given it as a free one.
type Port struct {
	addr *net.TCPAddr
	fd   int
}

// goneTime is how long the addresses and the folder of a process that was just killed may still be taken by its dying child.
const goneTime = 2 * time.Second

// Take takes address, host:port, for an engine; port 0 is a free one. The error wraps EADDRINUSE when somebody listens there.
func Take(address string) (*Port, error) {
	for deadline := time.Now().Add(goneTime); ; time.Sleep(10 * time.Millisecond) {
		p, err := take(address)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return p, err
		}
	}
}

// take looks whether the address is free by listening there, and then holds it with a socket that does not listen. The engine
// listens beside that one, which SO_REUSEPORT allows to processes of one user.
func take(address string) (*Port, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return nil, err
	}
	family := unix.AF_INET
	var at unix.Sockaddr
	if ip := addr.IP.To4(); ip != nil {
		at = &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip)}
	} else {
		family, at = unix.AF_INET6, &unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())}
	}
	fd, err := hold(family, at)
	if err != nil {
		return nil, fmt.Errorf("hold %s: %w", addr, err)
	}
	return &Port{addr, fd}, nil
}

func hold(family int, at unix.Sockaddr) (fd int, err error) {
	syscall.ForkLock.RLock()
	if fd, err = unix.Socket(family, unix.SOCK_STREAM, 0); err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
	)
	if err == nil {
		err = unix.Bind(fd, at)
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// Addr is host:port.
func (p *Port) Addr() string { return p.addr.String() }

// Close gives the address back.
func (p *Port) Close() error {
	if p.fd < 0 {
		return nil
	}
	fd := p.fd
	p.fd = -1
	return unix.Close(fd)
}
