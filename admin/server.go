package admin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"

	"tollgate/admin/ui"
	"tollgate/rating"
)

// Config of the HTTP side.
type Config struct {
	Listen         string         // address of the API, such as 127.0.0.1:8080
	MetricsListen  string         // address of /metrics; "" = on Listen
	TLS            *tls.Config    // nil = plain HTTP
	Realm          string         // of SIP digests, equal on all nodes
	Ephemeral      bool           // balances do not survive a restart: whoever logs in is told
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; none: nobody's
	Version        string         // of the program, for the description of the API
	PasswordCost   PasswordCost   // of new hashes; zero: the usual one
	Connections    int            // that a listener has at once, more wait; zero: 2000
}

// Deps are what the HTTP side needs from the rest of the program. All of it is safe for concurrent use.
type Deps struct {
	Catalog   Catalog
	Operators Operators
	Ledger    Ledger
	Archive   Archive
	AuditLog  AuditLog

	DeadLetters DeadLetters
	License     License
	LiveCalls   LiveCalls
	Trunks      TrunkHealth // nil: the health of every trunk is unknown
	Ready       []ReadyCheck
	Gatherer    prometheus.Gatherer   // what /metrics shows
	Registry    prometheus.Registerer // nil: the metrics of the HTTP side are counted, but shown nowhere
	Log         *slog.Logger          // nil: slog.Default()
}

// Catalog is what operators edit. Every edit shows in Current on this node when it returns.
type Catalog interface {
	// Current returns the newest snapshot; never nil.
	Current() *rating.Snapshot
	Extensions
	Rates
	Trunks
	DialRules
	Settings
}

// Limits of the HTTP servers.
const (
	readHeaderTimeout = 5 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	mostHeaderBytes   = 32 << 10
	mostConnections   = 2000 // of one listener: each takes memory and a descriptor, which calls need too; beyond it new ones wait
	shutdownTimeout   = 5 * time.Second
)

// Server answers the operators' requests.
type Server struct {
	config      Config
	deps        Deps
	log         *slog.Logger
	now         func() time.Time
	hasher      *hasher
	throttle    *throttle
	failures    *pace
	crossOrigin *http.CrossOriginProtection
	metrics     *metrics
	readiness   *readiness
	feed        *callFeed
	board       board
	downloads   chan struct{} // those that run
	api         huma.API
	listeners   []net.Listener
	servers     []*http.Server
}

// New listens on the configured addresses. Run answers what comes in.
func New(config Config, deps Deps) (*Server, error) {
	if deps.Catalog == nil || deps.Operators == nil || deps.Ledger == nil || deps.Archive == nil || deps.License == nil || deps.AuditLog == nil || deps.DeadLetters == nil || deps.LiveCalls == nil || deps.Gatherer == nil {
		return nil, errors.New("admin: catalog, operators, ledger, archive, licence, audit log, dead letters, live calls and metrics are all needed")
	}
	s := newServer(config, deps)
	engine := s.engine()
	if err := s.listen(config.Listen, answersHead(engine)); err != nil {
		return nil, err
	}
	if config.MetricsListen != "" {
		if err := s.listen(config.MetricsListen, answersHead(s.metricsEngine())); err != nil {
			return nil, errors.Join(err, s.listeners[0].Close())
		}
	}
	return s, nil
}

func newServer(config Config, deps Deps) *Server {
	setUpLibraries()
	deps.Catalog = watched{deps.Catalog}
	s := &Server{config: config, deps: deps, log: deps.Log, now: func() time.Time { return time.Now().UTC() },
		hasher: newHasher(config.PasswordCost), throttle: newThrottle(), failures: &pace{}, crossOrigin: http.NewCrossOriginProtection(), downloads: make(chan struct{}, mostDownloads)}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.metrics = newMetrics(deps.Registry)
	s.readiness = newReadiness(deps.Ready, s.log)
	if deps.LiveCalls != nil { // not where only the description is wanted
		s.feed = newCallFeed(deps.LiveCalls.Calls)
	}
	return s
}

// setUpLibraries sets what Gin and Huma keep in package variables; it is the same for every server of the process.
var setUpLibraries = sync.OnceFunc(func() {
	gin.SetMode(gin.ReleaseMode)
	huma.NewError = humaProblem
	huma.NewErrorWithContext = func(hc huma.Context, status int, message string, errs ...error) huma.StatusError {
		return problemIn(hc.Operation(), status, message, errs...)
	}
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
})

func (s *Server) listen(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	s.listeners = append(s.listeners, netutil.LimitListener(listener, cmp.Or(s.config.Connections, mostConnections)))
	s.servers = append(s.servers, &http.Server{Handler: boundsBodies(handler), TLSConfig: s.config.TLS, ReadHeaderTimeout: readHeaderTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: mostHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)})
	return nil
}

// Addr is the address of the API, with the port that was taken.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// MetricsAddr is the address of /metrics.
func (s *Server) MetricsAddr() net.Addr { return s.listeners[len(s.listeners)-1].Addr() }

// Run answers requests until ctx is done, and then finishes those that run.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.servers))
	for i, server := range s.servers {
		go func() {
			if s.config.TLS != nil {
				failed <- server.ServeTLS(s.listeners[i], "", "")
			} else {
				failed <- server.Serve(s.listeners[i])
			}
		}()
	}
	running := len(s.servers)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	s.feed.close()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, server := range s.servers {
		if e := server.Shutdown(stop); e != nil {
			err = errors.Join(err, e, server.Close())
		}
	}
	for range running {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// engine builds the whole HTTP side.
func (s *Server) engine() *gin.Engine {
	engine := bareEngine()
	engine.Use(s.metrics.observe, s.recovered, s.guard)
	s.api = humagin.New(engine, s.humaConfig())
	s.api.UseMiddleware(s.authorize(s.api))
	s.routes()
	describeProblems(s.api.OpenAPI())
	admitNull(s.api.OpenAPI().Components.Schemas.Map())
	s.plainRoutes(engine)
	engine.NoRoute(pages(ui.Handler()))
	return engine
}

// metricsEngine serves nothing but metrics.
func (s *Server) metricsEngine() *gin.Engine {
	engine := bareEngine()
	engine.Use(s.recovered)
	engine.GET("/metrics", s.serveMetrics)
	return engine
}

// bareEngine is a router that trusts no proxy and answers in problems.
func bareEngine() *gin.Engine {
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	if err := engine.SetTrustedProxies(nil); err != nil { // cannot be: nil is always fine
		panic(err)
	}
	engine.NoRoute(func(c *gin.Context) { writeProblem(c, notFound) })
	engine.NoMethod(func(c *gin.Context) { writeProblem(c, methodNotAllowed) })
	return engine
}

// humaConfig turns off what would load pages from elsewhere or add keys to bodies.
func (s *Server) humaConfig() huma.Config {
	config := huma.DefaultConfig("Tollgate", s.config.Version)
	config.Components.Schemas = newRegistry()
	config.Info.Description = apiDescription
	config.Formats = map[string]huma.Format{"application/json": strictJSON(), "json": strictJSON()}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A token of POST /login, or an API token."},
		"cookie": {Type: "apiKey", In: "cookie", Name: "tollgate", Description: "Set by POST /login; __Host-tollgate under TLS."},
	}
	config.Servers = nil
	return config
}

// snapshot is everything that operators edit, as of now.
func (s *Server) snapshot() *rating.Snapshot { return s.deps.Catalog.Current() }
