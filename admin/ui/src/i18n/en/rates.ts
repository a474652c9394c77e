export default {
  quote: {
    sentence: 'A call of {duration} to {number} costs {cost}:',
    initial: '{cost} for the first {time} s',
    units: '+ {n} × {unit} s at {rate}',
    noEnd: 'It has no end: the call costs nothing more.',
    lasts: 'With {available} available it can last {time}.',
    none: 'No rate matches this call.',
  },
  unbilled: {
    deactivated: 'Not billed: billing is not active.',
    extension: 'Not billed: billing is off for this extension.',
    emergency: 'Not billed: an emergency number.',
    unrated: 'Not billed: no rate matches, and such calls are allowed.',
    free: 'Not billed: the rate costs nothing.',
  },
}
