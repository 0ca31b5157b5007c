// Makes the pages nicer; they work without it.
for (const button of document.querySelectorAll('[data-ak-copy]')) {
  const source = document.getElementById(button.dataset.akCopy)
  const status = document.querySelector('[data-ak-copied]')
  button.hidden = false
  button.addEventListener('click', async () => {
    const copied = await copy(source)
    status.textContent = copied ? status.dataset.akCopied : status.dataset.akNotCopied
  })
}
for (const hint of document.querySelectorAll('[data-ak-by-hand]')) hint.hidden = true

const secret = document.getElementById('ak-secret')
secret?.addEventListener('focus', () => secret.select())
secret?.select()

async function copy (source) {
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent)
    return true
  } catch {
    // Without https there is no clipboard, and the older way needs a selection.
    select(source)
    return document.execCommand('copy')
  }
}

function select (source) {
  if (source.select !== undefined) {
    source.focus()
    source.select()
    return
  }
  window.getSelection().selectAllChildren(source)
}
