using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Cli;

/// <summary>A command's logs. What writes them is made when there is something to write, which in most commands is never.</summary>
/// <param name="least">The level from which on something is written.</param>
/// <param name="make">Makes what writes.</param>
internal sealed class LateLoggers(LogLevel least, Func<ILoggerFactory> make) : ILoggerFactory
{
    private readonly LogLevel _least = least;
    private readonly Lazy<ILoggerFactory> _made = new(make);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LateLogger(this, categoryName);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => _made.Value.AddProvider(provider);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_made.IsValueCreated)
        {
            _made.Value.Dispose();
        }
    }

    private sealed class LateLogger(LateLoggers loggers, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= loggers._least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                loggers._made.Value.CreateLogger(category).Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
