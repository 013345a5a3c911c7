package export

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/transport"
)

// S3 says where buckets are, and who asks.
type S3 struct {
	// Endpoint is the store's URL. Default: Amazon's of the region.
	Endpoint string `yaml:"endpoint"`
	// Region is what requests are signed for. Default us-east-1.
	Region string `yaml:"region"`
	// Addressing is where a bucket's name stands: "path", "host", or "auto", which is host for Amazon and path for others. Default auto.
	Addressing string `yaml:"addressing"`
	// AccessKeyID, SecretAccessKey and, for temporary ones, SessionToken are the credentials.
	AccessKeyID     config.Secret `yaml:"access_key_id"`
	SecretAccessKey config.Secret `yaml:"secret_access_key"`
	SessionToken    config.Secret `yaml:"session_token"`
	// CAFile is a PEM file of the authorities trusted; empty means the system's.
	CAFile string `yaml:"ca_file"`
}

var addressings = map[string]minio.BucketLookupType{"": minio.BucketLookupAuto, "auto": minio.BucketLookupAuto, "path": minio.BucketLookupPath, "host": minio.BucketLookupDNS}

// Validate names the first setting that is wrong. Zero values stand for the defaults.
func (s S3) Validate() error {
	u, err := url.Parse(cmp.Or(s.Endpoint, "https://s3.amazonaws.com"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return errors.New("endpoint: want an http:// or https:// URL without a path")
	}
	if _, known := addressings[s.Addressing]; !known {
		return errors.New("addressing: want auto, path or host")
	}
	if (s.AccessKeyID == "") != (s.SecretAccessKey == "") {
		return errors.New("access_key_id and secret_access_key go together")
	}
	return nil
}

const (
	// scheme is how the names of objects begin.
	scheme = "s3://"
	// requestTime bounds one request, of which the longest sends a part.
	requestTime = 5 * time.Minute
)

// IsObject tells s3://bucket/… from a file's path.
func IsObject(name string) bool { return strings.HasPrefix(name, scheme) }

// A Bucket has objects below a prefix. It is safe for concurrent use.
type Bucket struct {
	core         *minio.Core
	transport    *http.Transport
	name, prefix string // the prefix without slashes around it; empty is the bucket's root
	secrets      []string
}

// OpenBucket is the bucket of a name as s3://bucket/prefix. It asks the store nothing yet.
func OpenBucket(cfg S3, name string) (*Bucket, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(name, scheme), "/")
	prefix = strings.TrimSuffix(prefix, "/")
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return nil, fmt.Errorf("%s: want s3://bucket/prefix: %w", name, err)
	}
	if slices.ContainsFunc(strings.Split(prefix, "/"), func(s string) bool { return s == "" && prefix != "" || s == "." || s == ".." }) {
		return nil, fmt.Errorf("%s: want a prefix of which no part is empty or dots alone", name)
	}
	if cfg.AccessKeyID == "" {
		return nil, errors.New("s3.access_key_id and s3.secret_access_key are needed")
	}
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	endpoint, err := url.Parse(cmp.Or(cfg.Endpoint, "https://s3."+cfg.Region+".amazonaws.com"))
	if err != nil {
		return nil, fmt.Errorf("s3.endpoint: %w", err)
	}
	encrypted, err := transport.TLS{Enabled: endpoint.Scheme == "https", CAFile: cfg.CAFile}.Config()
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	over := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig: encrypted, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute, DisableCompression: true,
	}
	b := &Bucket{transport: over, name: bucket, prefix: prefix}
	for _, secret := range []config.Secret{cfg.SecretAccessKey, cfg.SessionToken, cfg.AccessKeyID} {
		if secret != "" {
			b.secrets = append(b.secrets, string(secret), "***")
		}
	}
	b.core, err = minio.NewCore(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(string(cfg.AccessKeyID), string(cfg.SecretAccessKey), string(cfg.SessionToken)),
		Secure: encrypted != nil, Region: cfg.Region, BucketLookup: addressings[cfg.Addressing], Transport: released{over},
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	return b, nil
}

// Close ends the idle connections.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// key is the key of what lies below the prefix.
func (b *Bucket) key(below string) string {
	if b.prefix == "" {
		return below
	}
	return b.prefix + "/" + below
}

// A refusal is what a store said no with.
type refusal struct {
	code string
	text string
}

func (r *refusal) Error() string { return r.text }

// failed says what was done to an object that failed, with the store's code, and never with a credential that the store repeats.
func (b *Bucket) failed(doing, key string, err error) error {
	if err == nil {
		return nil
	}
	hide := strings.NewReplacer(b.secrets...)
	var said minio.ErrorResponse
	if !errors.As(err, &said) {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return fmt.Errorf("%s s3://%s/%s: %s", doing, b.name, key, hide.Replace(err.Error()))
	}
	return &refusal{said.Code, hide.Replace(fmt.Sprintf("%s s3://%s/%s: %s (%s)", doing, b.name, key, strings.TrimSuffix(said.Error(), "."), said.Code))}
}

// refused tells whether an error is a store's refusal with one of the codes.
func refused(err error, codes ...string) bool {
	var r *refusal
	return errors.As(err, &r) && slices.Contains(codes, r.code)
}

// put writes a small object.
func (b *Bucket) put(ctx context.Context, key string, content []byte, opts minio.PutObjectOptions) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	sum := sha256.Sum256(content)
	opts.DisableContentSha256 = true // not in chunks: the sum below signs it whole, which all stores understand
	_, err := b.core.PutObject(ctx, b.name, key, bytes.NewReader(content), int64(len(content)), "", hex.EncodeToString(sum[:]), opts)
	return b.failed("write", key, err)
}

// create writes an object unless there is one of its key, which fails with the code PreconditionFailed. After a lost answer it may do so because of what
// this call wrote itself: look at what is there.
func (b *Bucket) create(ctx context.Context, key string, content []byte) error {
	opts := minio.PutObjectOptions{ContentType: "application/json"}
	opts.SetMatchETagExcept("*")
	// A conflict with another request on the key leaves open which one wins: S3 wants it sent again.
	const conflicts = 10
	pause := retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}
	for i := 0; ; i++ {
		err := b.put(ctx, key, content, opts)
		if i == conflicts || !refused(err, "ConditionalRequestConflict", "OperationAborted") {
			return err
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// read returns a small object.
func (b *Bucket) read(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	object, _, _, err := b.core.GetObject(ctx, b.name, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.failed("read", key, err)
	}
	defer object.Close()
	const most = 64 << 20
	text, err := io.ReadAll(io.LimitReader(object, most))
	return text, b.failed("read", key, err)
}

// list calls each with the keys below the prefix that begin with what is given, after a key where one is given.
func (b *Bucket) list(ctx context.Context, begin, after string, each func(below string) error) error {
	opts := minio.ListObjectsOptions{Prefix: b.key(begin), Recursive: true}
	if after != "" {
		opts.StartAfter = b.key(after)
	}
	for object := range b.core.ListObjectsIter(ctx, b.name, opts) {
		if object.Err != nil {
			return b.failed("list", opts.Prefix, object.Err)
		}
		below, ours := strings.CutPrefix(object.Key, b.key(""))
		if !ours {
			continue
		}
		if err := each(below); err != nil {
			return err
		}
	}
	return ctx.Err()
}
