// Makes the pages nicer; they work without it.
for (const button of document.querySelectorAll('[data-ak-copy]')) {
  const source = document.getElementById(button.dataset.akCopy)
  // It is told beside the button. Emptied first, since the same text again would be no news to a screen reader.
  const status = button.closest('.ak-card')?.querySelector('[data-ak-copied]') ?? document.querySelector('[data-ak-copied]')
  button.hidden = false
  button.addEventListener('click', async () => {
    for (const other of document.querySelectorAll('[data-ak-copied]')) other.textContent = ''
    const copied = await copy(source)
    status.textContent = copied ? status.dataset.akCopied : status.dataset.akNotCopied
  })
}
for (const hint of document.querySelectorAll('[data-ak-by-hand]')) hint.hidden = true

const secret = document.getElementById('ak-secret')
secret?.addEventListener('focus', () => secret.select())
secret?.select()

// Dates are written in the reader's zone, and every time tells itself exactly on hover.
for (const time of document.querySelectorAll('.ak time')) {
  const locale = time.closest('[lang]')?.lang || undefined
  const date = new Date(time.dateTime)
  time.title = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' }).format(date)
  if ('akDate' in time.dataset) time.textContent = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(date)
}

// The field for a day is there when a day is what was chosen.
for (const field of document.querySelectorAll('[data-ak-when]')) {
  const choice = document.getElementById(field.dataset.akWhen)
  const show = () => { field.hidden = choice.value !== 'date' }
  choice.addEventListener('change', show)
  show()
}

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
