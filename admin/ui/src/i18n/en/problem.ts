// By the type of a problem (RFC 9457). Where the server's own detail says more, it is shown below.
export default {
  malformed: 'The request was not readable',
  validation: 'Some fields need to be changed',
  unauthenticated: 'Not signed in',
  forbidden: 'Your role does not allow this',
  'license-expired': 'The free trial is over and there is no license',
  'not-found': 'It is not there any more',
  'method-not-allowed': 'The server does not take this request',
  conflict: 'In conflict with what exists',
  'insufficient-funds': 'Not enough money',
  'precondition-failed': 'Somebody else changed this in the meantime',
  'idempotency-mismatch': 'This request was sent before with other content',
  throttled: 'Too many attempts. Wait {n} s and try again.',
  'too-large': 'The file is too large',
  'store-unavailable': 'The store does not answer at the moment. Try again.',
  internal: 'Something is broken on the server; its log says more',
  network: 'The server does not answer. Nothing is lost: try again.',
}
