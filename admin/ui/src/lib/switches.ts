/**
 * Keeps what a screen reader says of a switch true. Element Plus cancels the click that a key or a label makes on its hidden
 * check box, and the browser then puts the box back after the switch has moved: it would be announced as it was before.
 */
export function keepSwitchesTrue() {
  document.addEventListener('click', ({ target }) => {
    if (target instanceof HTMLInputElement && target.matches('.el-switch__input')) setTimeout(() => (target.checked = target.getAttribute('aria-checked') === 'true'))
  })
}
