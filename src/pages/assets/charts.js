// Draws the charts of the overview with Chart.js, from the figures in the page and the colours of the style sheet.
'use strict';
(() => {
  const figures = JSON.parse(document.getElementById('figures-data').textContent);
  const korean = figures.language === 'ko';
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const number = new Intl.NumberFormat(korean ? 'ko-KR' : 'en-GB');
  const compact = new Intl.NumberFormat(korean ? 'ko-KR' : 'en-GB', { notation: 'compact', maximumFractionDigits: 1 });
  const won = (value) => (korean ? `${number.format(value)}원` : `${value < 0 ? '-' : ''}₩${number.format(Math.abs(value))}`);
  const count = (value) => number.format(value);
  const palette = () => (dark.matches
    ? { blue: '#6f9bff', red: '#ff8a80', green: '#5fcf94', ink: '#a8b0c0', line: '#353b47', card: '#191c22', text: '#eceef3' }
    : { blue: '#1f5eff', red: '#c8372d', green: '#0b7a46', ink: '#565d6d', line: '#d9dde6', card: '#ffffff', text: '#17191f' });
  const kinds = {
    revenue: { colours: ['blue', 'red', 'green'], format: won, byDay: true, stacked: true, line: 2 },
    flow: { colours: ['green', 'blue', 'red'], format: count, byDay: true, stacked: true },
    mrr: { colours: ['blue'], format: won, lying: true },
    methods: { colours: ['green', 'red'], format: count, lying: true, stacked: true },
    declines: { colours: ['red'], format: count, lying: true },
  };
  const datasets = (kind, series, colours) => series.map((one, index) => {
    const colour = colours[kind.colours[index]];
    const line = kind.line === index;
    return {
      type: line ? 'line' : 'bar', label: one.label, data: one.values, order: line ? 0 : 1, stack: line ? 'line' : 'bars',
      backgroundColor: colour, borderColor: colour, borderWidth: line ? 2.5 : 0, borderRadius: 4,
      pointRadius: line && one.values.length <= 31 ? 2.5 : 0, pointHitRadius: 12, tension: 0, maxBarThickness: 28,
    };
  });
  const options = (kind, colours) => {
    const figureAxis = {
      stacked: Boolean(kind.stacked), beginAtZero: true, border: { display: false },
      grid: { color: colours.line }, ticks: { color: colours.ink, precision: 0, maxTicksLimit: 6, callback: (value) => compact.format(value) },
    };
    const nameAxis = {
      stacked: Boolean(kind.stacked), border: { color: colours.line }, grid: { display: false },
      ticks: { color: colours.ink, maxRotation: 0, autoSkip: Boolean(kind.byDay), autoSkipPadding: 14 },
    };
    if (kind.byDay) {
      nameAxis.ticks.callback = function short(value) { return this.getLabelForValue(value).slice(5).replace('-', '.'); };
    } else {
      nameAxis.ticks.callback = function short(value) {
        const name = this.getLabelForValue(value);
        const most = this.chart.width < 420 ? 15 : 26;
        return name.length > most ? `${name.slice(0, most - 1)}…` : name;
      };
    }
    return {
      // Nothing moves by itself, which also suits those who prefer less motion.
      responsive: true, maintainAspectRatio: false, animation: false,
      indexAxis: kind.lying ? 'y' : 'x',
      interaction: { mode: 'index', intersect: false, axis: kind.lying ? 'y' : 'x' },
      scales: kind.lying ? { x: figureAxis, y: nameAxis } : { x: nameAxis, y: figureAxis },
      plugins: {
        legend: { display: kind.colours.length > 1, position: 'bottom', labels: { color: colours.ink, usePointStyle: true, boxHeight: 7 } },
        tooltip: {
          backgroundColor: colours.text, titleColor: colours.card, bodyColor: colours.card, padding: 10, cornerRadius: 8, usePointStyle: true,
          callbacks: { label: (item) => ` ${item.dataset.label} ${kind.format(kind.lying ? item.parsed.x : item.parsed.y)}` },
        },
      },
    };
  };
  let drawn = [];
  const draw = () => {
    drawn.forEach((chart) => chart.destroy());
    const colours = palette();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn = [...document.querySelectorAll('canvas[data-chart]')].map((canvas) => {
      const kind = kinds[canvas.dataset.chart];
      const data = figures[canvas.dataset.chart];
      return new Chart(canvas, {
        type: 'bar',
        data: { labels: data.days ?? data.labels, datasets: datasets(kind, data.series, colours) },
        options: options(kind, colours),
      });
    });
    document.documentElement.dataset.charts = String(drawn.length);
  };
  draw();
  dark.addEventListener('change', draw);
})();
