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

// Dates are written in the reader's zone, also within a text, and every time tells itself exactly on hover.
const DAY = { dateStyle: 'medium' }
const EXACT = { dateStyle: 'medium', timeStyle: 'long' }
for (const time of document.querySelectorAll('.ak time')) {
  time.title = write(time, time.dateTime, EXACT)
  if ('akDate' in time.dataset) time.textContent = write(time, time.dateTime, DAY)
}
for (const [name, style] of [['akDays', DAY], ['akTimes', EXACT]]) {
  for (const element of document.querySelectorAll('[data-ak-days], [data-ak-times]')) {
    for (const { iso, text } of JSON.parse(element.dataset[name] ?? '[]')) element.textContent = element.textContent.replace(text, () => write(element, iso, style))
  }
}

// What belongs to some choices is there when one of them is chosen, as the field for a day is. What is not there is not sent.
for (const field of document.querySelectorAll('[data-ak-when]')) {
  const choice = document.getElementById(field.dataset.akWhen)
  const choices = (field.dataset.akIs ?? 'date').split(' ')
  const show = () => {
    field.hidden = !choices.includes(choice.value)
    for (const input of field.querySelectorAll('input, textarea')) input.disabled = field.hidden
  }
  choice.addEventListener('change', show)
  // When somebody comes back, the browser brings back what was chosen.
  window.addEventListener('pageshow', show)
  show()
}

function write (element, iso, style) {
  return new Intl.DateTimeFormat(element.closest('[lang]')?.lang || undefined, style).format(new Date(iso))
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
