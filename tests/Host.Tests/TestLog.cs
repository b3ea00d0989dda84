using Microsoft.Extensions.Logging;

namespace EveStorage.Tests;

/// <summary>What an engine logs as an error, beside what its test prints: a failing test shows both.</summary>
internal sealed class TestLog : ILoggerProvider, ILogger
{
    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error && _output is not null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _output?.WriteLine($"{formatter(state, exception)}: {exception}");
        }
        catch (InvalidOperationException)
        {
            // its test has ended
        }
    }

    public void Dispose()
    {
    }
}
