package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// tor names a circuit by an address below this prefix, which is nobody's.
const torPrefix = "fc00:dead:beef:4dad::/64"

// headerTimeout is how long the PROXY header may take. Tor writes it as soon as
// it is connected, before anything that comes from outside.
const headerTimeout = 10 * time.Second

var errNoCircuit = errors.New("the connection names no circuit")

// withCircuits demands tor's header of each connection. A connection without one
// gets no answer.
func withCircuits(l net.Listener) net.Listener {
	tor := netip.MustParsePrefix(torPrefix)
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: headerTimeout,
		ConnPolicy: func(proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			return proxyproto.REQUIRE, nil
		},
		ValidateHeader: func(h *proxyproto.Header) error {
			from, ok := h.SourceAddr.(*net.TCPAddr)
			if h.Version != 1 || h.Command != proxyproto.PROXY || !ok || !tor.Contains(from.AddrPort().Addr()) {
				return errNoCircuit
			}
			return nil
		},
	}
}

type circuitKey struct{}

// Circuit names the circuit of tor's that a request came on: all requests of it
// have the same name, and no other's have it until tor starts anew. It says
// nothing of where they come from, but which belong together: it must never be
// logged or written down. A request of a listener without circuits has none.
func Circuit(ctx context.Context) (id string, ok bool) {
	id, ok = ctx.Value(circuitKey{}).(string)
	return id, ok
}

// withoutAddress keeps from handlers where a request comes from.
func withoutAddress(next http.Handler, circuits bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if circuits {
			at, err := netip.ParseAddrPort(r.RemoteAddr)
			if err != nil {
				panic(http.ErrAbortHandler) // no listener of circuits has such a connection
			}
			ctx = context.WithValue(ctx, circuitKey{}, at.Addr().String())
		}
		r = r.WithContext(ctx)
		r.RemoteAddr = ""
		next.ServeHTTP(w, r)
	})
}
