using System.Globalization;
using System.Text;

namespace EveStorage.Host.Metrics;

/// <summary>
/// Measurements as Prometheus reads them (exposition format 0.0.4): what each is, then its samples, all of a name together. A label's
/// value may be any text.
/// </summary>
internal sealed class MetricsText
{
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Adds a measurement that goes up and down.</summary>
    internal void Gauge(string name, string help, IEnumerable<Sample> samples) => Add(name, "gauge", help, samples);

    /// <summary>Adds a count since some start. Its name ends with <c>_total</c>.</summary>
    internal void Counter(string name, string help, IEnumerable<Sample> samples) => Add(name, "counter", help, samples);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Add(string name, string type, string help, IEnumerable<Sample> samples)
    {
        Sample[] all = [.. samples];
        if (all.Length == 0)
        {
            return;
        }

        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n').Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (Sample sample in all)
        {
            _text.Append(name);
            for (int label = 0; label < sample.Labels.Count; label++)
            {
                (string key, string value) = sample.Labels[label];
                _text.Append(label == 0 ? '{' : ',').Append(key).Append("=\"").Append(Escape(value)).Append('"');
            }

            _text.Append(sample.Labels.Count > 0 ? "} " : " ").Append(sample.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }
    }

    private static string Escape(string value)
        => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}

/// <summary>One value of a measurement.</summary>
/// <param name="Value">The value.</param>
/// <param name="Labels">Of what.</param>
internal sealed record Sample(double Value, params IReadOnlyList<(string Name, string Value)> Labels)
{
    /// <summary>Of a size.</summary>
    internal static Sample Of(ByteSize size, params IReadOnlyList<(string Name, string Value)> labels) => new(size.Bytes, labels);
}
