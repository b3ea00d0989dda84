namespace EveStorage.NvmetUser;

/// <summary>Tells the host's events, and of what a stranger can cause no more than a few a second.</summary>
internal sealed class TargetEvents(PluginServices services)
{
    private const int MostRefusals = 10;   // a second

    private readonly Lock _gate = new();
    private long _second;
    private int _refusals;

    /// <summary>Tells one.</summary>
    internal void Report(string id, string subject, string message, EventSeverity? severity = null)
    {
        bool refused = id == "host.refused";
        if (!refused || IsAllowed())
        {
            services.Events.Report(new(id, severity ?? (refused ? EventSeverity.Warning : EventSeverity.Information), subject, message));
        }
    }

    /// <summary>A name that came from a stranger, without what would disturb a terminal or a log.</summary>
    internal static string Printable(string name)
        => name.Length == 0 ? "nobody" : string.Concat(name.Select(c => c is > ' ' and < '\x7f' ? c : '?'));

    private bool IsAllowed()
    {
        long second = services.Time.GetUtcNow().ToUnixTimeSeconds();
        lock (_gate)
        {
            _refusals = second == _second ? _refusals + 1 : 1;
            _second = second;
            return _refusals <= MostRefusals;
        }
    }
}
