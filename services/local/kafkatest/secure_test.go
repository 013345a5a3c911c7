//go:build !apachekafka

package kafkatest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/transport"
	"github.com/waymark-events/waymark/services/local/engines/broker"
)

// certificate makes a certificate for 127.0.0.1 that is its own authority, and returns the path of its PEM file.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestTLSAndSASL(t *testing.T) {
	cert, ca := certificate(t)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			b, err := broker.Start(broker.Config{Address: "127.0.0.1:0", Options: []kfake.Opt{
				kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}), kfake.EnableSASL(), kfake.Superuser(mechanism, "waymark", "correct"),
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			settings := func(password string) kafka.Config {
				return kafka.Config{
					Brokers: []string{b.Address()}, TLS: transport.TLS{Enabled: true, CAFile: ca},
					SASL: kafka.SASL{Mechanism: mechanism, Username: "waymark", Password: config.Secret(password)},
				}
			}
			client := ClientOf(t, settings("correct"))
			Topic(t, client, "secure", 1, nil)
			if _, err := client.NewProducer(kafka.DefaultProducerConfig()).Produce(deadline(t), "secure", 0, records(3, "k")); err != nil {
				t.Fatal(err)
			}
			if got := read(t, client, "secure", 0, 0); len(got) != 3 {
				t.Errorf("%d records", len(got))
			}
			if err := client.Ping(deadline(t)); err != nil {
				t.Error(err)
			}
			cfg := kafka.DefaultGroupConfig()
			cfg.ID, cfg.Topics = "secure", []string{"secure"}
			ctx, cancel := context.WithCancel(deadline(t))
			defer cancel()
			if err := client.RunGroup(ctx, cfg, func(ctx context.Context, claim *kafka.Claim) error {
				defer cancel()
				return claim.Commit(ctx, 3, "")
			}); err != nil {
				t.Error(err)
			}

			err = ClientOf(t, settings("wrong")).Ping(deadline(t))
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), "sasl") {
				t.Errorf("a wrong password: %v, want a sentence that says where to look", err)
			}
			if err != nil && strings.Contains(err.Error(), "wrong") {
				t.Errorf("the password is in the error: %v", err)
			}
			plain := settings("correct")
			plain.TLS = transport.TLS{}
			if err := ClientOf(t, plain).Ping(deadline(t)); err == nil {
				t.Error("plain text to a TLS port was accepted")
			}
		})
	}
}
