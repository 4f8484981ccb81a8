// One shape a class, so that color is not needed to tell them apart. Python puts this before the parts of a widget's page.

const path = (points, closed = false) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") + (closed ? "Z" : "");

function shape(k, r) {
  const corners = (n, turn, size = r) =>
    path(Array.from({ length: n }, (_, i) => {
      const angle = turn + (2 * Math.PI * i) / n;
      return [size * Math.cos(angle), size * Math.sin(angle)];
    }), true);
  const up = -Math.PI / 2;
  return [
    `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`,
    corners(4, Math.PI / 4, 1.25 * r),
    corners(4, 0, 1.3 * r),
    corners(3, up, 1.4 * r),
    corners(3, -up, 1.4 * r),
    corners(5, up, 1.2 * r),
    corners(6, 0, 1.15 * r),
    path([[0, 0.4], [0.8, 1.2], [1.2, 0.8], [0.4, 0], [1.2, -0.8], [0.8, -1.2], [0, -0.4], [-0.8, -1.2], [-1.2, -0.8], [-0.4, 0],
      [-1.2, 0.8], [-0.8, 1.2]].map(([x, y]) => [r * x, r * y]), true),
  ][k % 8];
}
