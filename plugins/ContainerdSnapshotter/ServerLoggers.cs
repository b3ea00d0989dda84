using Microsoft.Extensions.Logging;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>The host's loggers, less what the server tells of each call that is refused: containerd asks for much that is not there, or is.</summary>
internal sealed class ServerLoggers(ILoggerFactory host) : ILoggerFactory
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Warnings(host.CreateLogger(categoryName));

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => host.AddProvider(provider);

    /// <summary>Nothing: they are the host's.</summary>
    public void Dispose()
    {
    }

    private sealed class Warnings(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
