package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/license"
	"tollgate/rating"
)

// License says whether operators may act, and until when.
type License interface {
	State() license.State
	// Source returns the file billing.ac of this device; license.ErrNoIdentifiers where nothing tells it from another.
	Source() ([]byte, error)
	// Activate begins the trial when billing is activated for the first time; license.ErrTrialOver when it is over.
	Activate(ctx context.Context) (license.State, error)
	// Install takes a licence, or says why not.
	Install(ctx context.Context, text []byte) (license.State, error)
}

// largestLicense is more than a licence for sixteen devices has, in a form with its boundaries.
const largestLicense = 128 << 10

// evenExpiredKey, in an operation's metadata: the administrator may use it when the trial is over, although it changes
// something. Where only a part of it is allowed, the handler says so.
const evenExpiredKey = "even expired"

func evenExpired(op *huma.Operation) { op.Metadata[evenExpiredKey] = true }

// expired reports whether the trial is over without a licence.
func (s *Server) expired() bool { return s.deps.License.State().Expired() }

// licensed says whether somebody may use an operation by today's licence. When the trial is over, that is the
// administrator, for everything that reads and for what keeps the system running.
func (s *Server) licensed(who principal, op *huma.Operation) error {
	if !s.expired() {
		return nil
	}
	reads := op.Method == http.MethodGet || op.Metadata[readsKey] != nil
	if who.Role == rating.Admin && (reads || op.Metadata[evenExpiredKey] != nil) {
		return nil
	}
	return licenseExpired
}

// licenseNow is what a page shows on top: whether and when the trial ends.
type licenseNow struct {
	State          string     `json:"state" enum:"inactive,trial,expired,licensed" doc:"inactive: billing was never activated, so the trial has not begun."`
	ExpiresAt      *time.Time `json:"expires_at" doc:"End of the trial; null: not begun, or a licence that never expires."`
	DaysLeft       *int64     `json:"days_left" doc:"Begun days until then; null: no end in sight."`
	Warning        bool       `json:"warning" doc:"Seven days or less are left, or none: operators should be told."`
	DevelopmentKey bool       `json:"development_key" doc:"Anybody can make a licence for this build: it is not for customers."`
}

func licenseNowOf(st license.State) licenseNow {
	now := licenseNow{State: "trial", Warning: st.Expiring(), DevelopmentKey: st.Development}
	switch {
	case st.Licensed:
		now.State = "licensed"
	case st.Started.IsZero():
		now.State = "inactive"
	case st.Expired():
		now.State = "expired"
	}
	if end := st.ExpiresAt(); !end.IsZero() {
		days := st.DaysLeft()
		now.ExpiresAt, now.DaysLeft = inUTC(&end), &days
	}
	return now
}

// sourceFile is the download of billing.ac.
type sourceFile struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// sourceContent describes the download.
func sourceContent(op *huma.Operation) {
	op.Responses = map[string]*huma.Response{"200": {Description: "The file billing.ac", Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
}

// getLicenseSource returns the file that the vendor needs to issue a licence for this device.
func (s *Server) getLicenseSource(context.Context, *struct{}) (*sourceFile, error) {
	text, err := s.deps.License.Source()
	if errors.Is(err, license.ErrNoIdentifiers) {
		return nil, conflict.because(sentence(err))
	}
	if err != nil {
		return nil, fmt.Errorf("describe the device: %w", err)
	}
	return &sourceFile{"application/octet-stream", `attachment; filename="billing.ac"`, text}, nil
}

type licenseUpload struct {
	ContentType string `header:"Content-Type" doc:"application/octet-stream, or multipart/form-data with the part file."`
	RawBody     []byte
}

// uploadContent describes both forms of the upload.
func uploadContent(op *huma.Operation) {
	file := &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "The file that the vendor has sent."}
	op.MaxBodyBytes, op.SkipValidateBody = largestLicense, true // it is no JSON
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"file": file}, Required: []string{"file"}}}}}
}

// refusals of a licence that say all themselves; the old state stays.
var refusals = []error{license.ErrNotLicense, license.ErrRequestFile, license.ErrWrongProduct, license.ErrOtherKey, license.ErrAltered, license.ErrOtherDevice}

// uploadLicense installs a licence. A refused one changes nothing, and is told to the log.
func (s *Server) uploadLicense(ctx context.Context, in *licenseUpload) (*answer[billing], error) {
	text, err := uploadedFile(in.ContentType, in.RawBody)
	if err != nil {
		return nil, err
	}
	st, err := s.deps.License.Install(ctx, text)
	for _, refused := range refusals {
		if errors.Is(err, refused) {
			s.log.Warn("a licence was refused, nothing is changed", "by", principalFrom(ctx).Name, "address", addressFrom(ctx), "err", err)
			s.note(ctx, actionRefusedFile, "license", map[string]string{"reason": err.Error()})
			return nil, invalid.because("The licence is refused, and nothing has changed: " + err.Error() + ".").(*problem).with(fault{Location: "body", Message: refused.Error()})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("install the licence: %w", err)
	}
	trailFrom(ctx).tell("license", nil, map[string]any{"number": st.License.Number, "holder": st.License.Holder, "devices": len(st.License.Devices)})
	return &answer[billing]{billingOf(s.snapshot().Billing, st)}, nil
}

// uploadedFile returns the file in a body: the body itself, or the part "file" of a form.
func uploadedFile(contentType string, body []byte) ([]byte, error) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return body, nil
	}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, invalid.with(fault{Location: "body.file", Message: "is missing: send the licence as the part \"file\" of the form"})
		}
		if err != nil {
			return nil, malformed.because("The form cannot be read: " + err.Error() + ".")
		}
		if part.FormName() == "file" {
			text, err := io.ReadAll(part)
			if err != nil {
				return nil, malformed.because("The form cannot be read: " + err.Error() + ".")
			}
			return text, nil
		}
	}
}
