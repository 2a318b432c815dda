// The sections of a run's page, in the order in which they stand.
#pragma once
#include "report/markup.h"
#include "report/view.h"

namespace latticelens::report {

/// What it cost, in one sentence with its numbers; says what is missing where it cannot.
std::string verdict(const View& view);

Markup verdict_section(const View& view);
Markup done_section(const View& view);
Markup loss_section(const View& view);
/// Empty when nothing was learned.
Markup learning_section(const View& view);
/// Empty when no tasks were answered.
Markup tasks_section(const View& view);
Markup layers_section(const View& view);
/// Empty when no row has a certificate.
Markup certificates_section(const View& view);
Markup share_section(const View& view);
Markup scales_section(const View& view);
Markup time_section(const View& view);
/// Empty when no runs are compared.
Markup compare_section(const View& view);

} // namespace latticelens::report
